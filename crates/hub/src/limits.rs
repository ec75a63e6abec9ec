//! The one table of limits of the whole server: the hub, the transports and the accept loop read it.
//!
//! How a flag or a file sets them is decided elsewhere; the defaults and their reasons are here.

use std::time::Duration;

use crate::ring::ReadLimit;

/// Every limit, with the default that [`Limits::default`] gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The largest `data` of a publication, in bytes after compaction.
    ///
    /// 64 KiB: [`wire::publication::MAX_DATA_BYTES`], which says why.
    pub data_bytes: usize,
    /// How many publications a room holds.
    ///
    /// 1,000: at 20 a second a subscriber can be away for 50 s, which is a tunnel or a change of network.
    pub ring_items: usize,
    /// How many bytes of encoded publications a room holds; the newest one stays even when it alone is larger.
    ///
    /// 1 MiB: 1,000 publications of a kilobyte, so that count and bytes bind at about the same place. Where a publication's
    /// bytes are kept in other forms too ([`crate::FORMS`]), a room takes as much again for each.
    pub ring_bytes: usize,
    /// How many publications one batch carries.
    ///
    /// 300: a full ring in four batches, and never a lock held for longer than some microseconds.
    pub reply_items: usize,
    /// How many bytes of encoded publications one batch carries; one publication is carried even when it is larger.
    ///
    /// 256 KiB: a full ring in four batches, and 10,000 subscribers that catch up at once stay below 3 GB even when
    /// each has a copy of its own.
    pub reply_bytes: usize,
    /// How many rooms exist at a time.
    ///
    /// 10,000: names come from strangers; an empty room costs about a kilobyte, so empty ones stay below some 10 MB.
    pub rooms: usize,
    /// How long a room without subscribers and publications is kept.
    ///
    /// 10 min: longer than a restart of all its subscribers, so that they come back to the same history.
    pub idle_room: Duration,
    /// How often a stream with nothing to say shows that it lives.
    ///
    /// 25 s: below the 30 to 60 s after which proxies and address translators forget a silent connection, and what
    /// other realtime servers use, so that tables compare.
    pub heartbeat: Duration,
    /// How long a client has to answer a heartbeat, where the transport has an answer.
    ///
    /// 20 s: with [`heartbeat`](Self::heartbeat), a death is seen after 45 s at the latest; again the common value.
    pub answer_within: Duration,
    /// How long a connection may accept no byte of what is to be written before it is closed.
    ///
    /// 30 s: a phone may sleep through a few seconds; beyond this its place in the ring is worth more than the line.
    pub slow_writer: Duration,
    /// How many bytes not yet sent a stream's kernel buffer takes (`TCP_NOTSENT_LOWAT`).
    ///
    /// 16 KiB: without it loopback swallows 3.9 MB for a reader that never reads, and slowness shows too late.
    pub send_backlog_bytes: u32,
    /// How long a new connection may say nothing.
    ///
    /// 10 s: two lost segments and their retransmissions on a bad network still fit.
    pub first_byte: Duration,
    /// How long a request's head may take, and so how long a kept-alive connection may idle before the next one.
    ///
    /// 75 s: above 60 s, the longest pause that a client may leave between two requests; a shorter one would make
    /// such a client connect anew each time and charge its transport for it.
    pub head: Duration,
    /// How long a request's body may take once its head is there.
    ///
    /// 30 s: the largest body ([`item_bytes`](Self::item_bytes)) at 36 kbit/s, which the slowest phone networks still carry; who is
    /// slower wants to hold a connection and not to say something.
    pub body: Duration,
    /// How long sent bytes may stay unacknowledged before the kernel gives the connection up (`TCP_USER_TIMEOUT`).
    ///
    /// 30 s: as [`slow_writer`](Self::slow_writer), for a peer that is gone altogether; the kernel's own would be
    /// about 15 min.
    pub user_timeout: Duration,
    /// Over how long the ends of subscribers are spread when the hub closes.
    ///
    /// 2 s: 10,000 clients come back at 5,000 a second instead of all at once.
    pub drain_spread: Duration,
    /// How long a drain may take in all.
    ///
    /// 4.5 s: the spread and time to write what is last, and the process has ended within 5 s; below the 10 s after which
    /// supervisors kill.
    pub drain: Duration,
    /// When a client that reads one batch per request is asked to come back.
    ///
    /// 1 s: what a person takes for live, at a cost that a server can bear.
    pub retry_after: Duration,
    /// How long a request may ask to be held until there is something.
    ///
    /// 55 s: below the 60 s after which common proxies give up on an answer.
    pub max_hold: Duration,
    /// How long a request is held that does not say.
    ///
    /// 25 s: as often as other lanes' heartbeats, so that silence costs them alike.
    pub hold: Duration,
    /// The largest message that a client may send, whatever carries it, in bytes; `None` for what [`item_bytes`](Self::item_bytes)
    /// makes of [`data_bytes`](Self::data_bytes).
    pub max_payload: Option<usize>,
    /// How many sessions there are at a time that live in requests, and so may have no connection.
    ///
    /// 20,000: as many as could have one on a machine with a common file limit. Each costs some kilobytes, and up to
    /// [`reply_bytes`](Self::reply_bytes) more while it does not fetch what it is answered.
    pub sessions: usize,
    /// How many feeds one session may subscribe to, and how many namespaces it may be in, where a session may have several.
    ///
    /// 100: a person's chats fit; every publication in one of them wakes the session, which then looks at all of them.
    pub session_rooms: usize,
    /// How long a new session has to enter a namespace before it is closed.
    ///
    /// 45 s: the common value of servers that have such sessions.
    pub connect_within: Duration,
    /// How many connections, held requests included, a named session has at a time; 0 for no limit.
    ///
    /// 64: a person's devices with all their pages, each over several lanes; more is a loop that reconnects.
    pub session_connections: usize,
    /// How many publications a named session makes in a second, over all its connections; 0 for no limit.
    ///
    /// 50: no person types that, and a cursor or a game's moves still fit.
    pub publish_limit: u32,
    /// How many of them it may make at once, after it has made none for a while.
    ///
    /// 100: what was written offline in a tunnel goes out in one go.
    pub publish_burst: u32,
    /// Whether only named sessions may publish. What the server's operator says with it is: nobody writes unseen.
    pub require_session: bool,
    /// For how long the key of a publish is known, so that a publish that is tried again makes no second publication.
    ///
    /// 2 min: longer than any client goes on trying before it asks its user.
    pub key_life: Duration,
    /// How many keys of one caller a room knows.
    ///
    /// 1,000: as many as a caller can use in 20 s at [`publish_limit`](Self::publish_limit), and a hundred kilobytes.
    pub keys: usize,
    /// How many ended sessions are remembered, so that their tokens open nothing.
    ///
    /// 100,000: some megabytes, and more than end in the life of a token anywhere this server is meant for.
    pub ended_sessions: usize,
    /// How many connections the kernel completes ahead of the accept loop; more are refused or retried by the kernel.
    ///
    /// 4096: a common system maximum (`somaxconn`), so that a wave of reconnections is not dropped at the door.
    pub listen_backlog: u32,
}

/// Limits that a server cannot keep. The text says what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LimitsError(&'static str);

impl Limits {
    /// Refuses what would stop a server from serving.
    ///
    /// # Errors
    ///
    /// Names the first limit that does not fit.
    pub fn check(&self) -> Result<(), LimitsError> {
        let most_bytes = 1 << 30;
        let rules = [
            (self.data_bytes >= 1 && self.data_bytes <= most_bytes, "data-bytes must be from 1 to 1073741824"),
            (
                self.ring_items >= 1 && self.ring_bytes >= 1,
                "a room must hold something: ring-items and ring-bytes from 1",
            ),
            (
                self.reply_items >= 1 && self.reply_bytes >= 1,
                "a reply must hold something: reply-items and reply-bytes from 1",
            ),
            (self.reply_bytes <= most_bytes, "reply-bytes must be at most 1073741824"),
            (self.rooms >= 1, "there must be a room: rooms from 1"),
            (self.send_backlog_bytes >= 1, "send-backlog-bytes must be at least 1; 0 would mean no limit"),
            (!self.heartbeat.is_zero() && !self.answer_within.is_zero(), "heartbeat and answer-within must be above 0"),
            (
                !self.slow_writer.is_zero() && !self.head.is_zero() && !self.body.is_zero(),
                "slow-writer, head and body must be above 0",
            ),
            (!self.first_byte.is_zero() && !self.user_timeout.is_zero(), "first-byte and user-timeout must be above 0"),
            (
                self.hold <= self.max_hold && self.max_hold < self.head,
                "hold must not exceed max-hold, nor max-hold head",
            ),
            (self.drain_spread < self.drain, "drain-spread must be below drain"),
            (
                self.max_payload.is_none_or(|bytes| bytes > self.data_bytes && bytes <= most_bytes),
                "max-payload must be above data-bytes, so that its item fits, and at most 1073741824",
            ),
            (
                self.sessions >= 1 && self.session_rooms >= 1 && !self.connect_within.is_zero(),
                "sessions and session-rooms must be from 1, and connect-within above 0",
            ),
            (
                self.publish_limit == 0 || self.publish_burst >= 1,
                "publish-burst must be from 1, or publish-limit 0 for no limit",
            ),
            (self.keys >= 1 && self.ended_sessions >= 1, "keys and ended-sessions must be from 1"),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, what)) => Err(LimitsError(what)),
            None => Ok(()),
        }
    }

    /// What one batch carries at most: [`reply_items`](Self::reply_items) and [`reply_bytes`](Self::reply_bytes).
    pub fn reply(&self) -> ReadLimit {
        ReadLimit { items: self.reply_items, bytes: self.reply_bytes }
    }

    /// What a stream reads for one write: [`reply_items`](Self::reply_items), and as many bytes as its buffer takes.
    ///
    /// A subscriber that stops reading holds one such batch and no more, however far the ring goes on.
    pub fn piece(&self) -> ReadLimit {
        let bytes = usize::try_from(self.send_backlog_bytes).unwrap_or(usize::MAX);
        ReadLimit { items: self.reply_items, bytes: bytes.min(self.reply_bytes) }
    }

    /// How long an item from a client may be as it comes in: `data` before its white space is removed, and what stands
    /// around it. What is longer is refused unread.
    ///
    /// [`max_payload`](Self::max_payload) where it is given, else twice `data_bytes` and 4 KiB: pretty-printed JSON is seldom
    /// twice its compact form.
    pub fn item_bytes(&self) -> usize {
        self.max_payload.unwrap_or(2 * self.data_bytes + 4096)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            data_bytes: wire::publication::MAX_DATA_BYTES,
            ring_items: 1_000,
            ring_bytes: 1024 * 1024,
            reply_items: 300,
            reply_bytes: 256 * 1024,
            rooms: 10_000,
            idle_room: Duration::from_mins(10),
            heartbeat: Duration::from_secs(25),
            answer_within: Duration::from_secs(20),
            slow_writer: Duration::from_secs(30),
            send_backlog_bytes: 16 * 1024,
            first_byte: Duration::from_secs(10),
            head: Duration::from_secs(75),
            body: Duration::from_secs(30),
            user_timeout: Duration::from_secs(30),
            drain_spread: Duration::from_secs(2),
            drain: Duration::from_millis(4500),
            retry_after: Duration::from_secs(1),
            max_hold: Duration::from_secs(55),
            hold: Duration::from_secs(25),
            max_payload: None,
            sessions: 20_000,
            session_rooms: 100,
            connect_within: Duration::from_secs(45),
            session_connections: 64,
            publish_limit: 50,
            publish_burst: 100,
            require_session: false,
            key_life: Duration::from_mins(2),
            keys: 1_000,
            ended_sessions: 100_000,
            listen_backlog: 4096,
        }
    }
}
