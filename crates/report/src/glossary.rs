//! What the words of the pages mean, one sentence each. Heads of tables link here by their text.

/// One word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Term {
    /// The anchor.
    pub(crate) id: &'static str,
    /// As it is explained.
    pub(crate) name: &'static str,
    /// Heads of columns that mean it, beside the name itself.
    pub(crate) heads: &'static [&'static str],
    /// A sentence.
    pub(crate) meaning: &'static str,
}

const fn term(id: &'static str, name: &'static str, heads: &'static [&'static str], meaning: &'static str) -> Term {
    Term { id, name, heads, meaning }
}

/// All words in the order of the alphabet.
pub(crate) const TERMS: &[Term] = &[
    term("term-bias", "bias", &[], "In a calibration, what was measured less what it should be."),
    term(
        "term-block",
        "block",
        &[],
        "One round in which every lane runs once, in a shuffled order and against a fresh server; the unit of evidence.",
    ),
    term("term-cell", "cell", &[], "One lane in one block."),
    term(
        "term-claim",
        "claim",
        &[],
        "A sentence that compares. Of delay, bytes and server CPU it is made only beyond the interval and the noise floor, of \
         memory, requests and idle bytes only where intervals do not overlap; else it says that no difference was seen.",
    ),
    term("term-connection", "connection", &[], "One TCP connection of a subscriber, who may need several of them."),
    term(
        "term-context-switches",
        "context switches",
        &[],
        "How often the kernel took a thread of the server from its CPU or gave it one, wanted or not, over the whole \
         feed.",
    ),
    term(
        "term-coordinated-omission",
        "coordinated omission",
        &[],
        "Asking a stalled server less often, so that the delays which it caused are never counted.",
    ),
    term(
        "term-delivered",
        "delivered",
        &[],
        "Of the expected deliveries, those that arrived at least once before the deadline.",
    ),
    term("term-delivery", "delivery", &[], "One publication at one subscriber."),
    term(
        "term-drift",
        "drift",
        &[],
        "The median delay in the last third of the windows is unlike that in the first, beyond its interval.",
    ),
    term(
        "term-due",
        "due",
        &[],
        "The instant that the schedule fixes for a publication before the run; delays count from it, whatever happens.",
    ),
    term("term-duplicated", "duplicated", &[], "Arrivals of what the subscriber had got before."),
    term("term-empty-polls", "empty polls", &[], "All bytes of requests and answers that carried no publication."),
    term("term-envelope", "envelope", &[], "The bytes of a publication's JSON around its data."),
    term(
        "term-expected",
        "expected",
        &[],
        "Publications due in the windows times the subscribers that each was meant for.",
    ),
    term(
        "term-fan-out",
        "fan-out spread",
        &[],
        "The time from the first to the last subscriber that gets one publication.",
    ),
    term(
        "term-floor",
        "floor",
        &["x floor, by block"],
        "A control lane that moves the same items with next to nothing around them; what a lane costs beyond it is the \
         transport's.",
    ),
    term(
        "term-framing",
        "framing",
        &[],
        "The bytes that a transport puts around an item in a body or a frame, and its control items.",
    ),
    term(
        "term-gap",
        "gap",
        &["gaps told"],
        "A stretch of publications that the server says a subscriber has missed; the column counts the publications in \
         such stretches.",
    ),
    term(
        "term-generator",
        "generator",
        &["generator CPU", "generator CPU/delivery"],
        "The process that publishes, subscribes and takes the times; its cost is given apart from the server's.",
    ),
    term(
        "term-handshake",
        "handshake",
        &["bytes/connect"],
        "All bytes of a subscription until the server has told the first position.",
    ),
    term(
        "term-heartbeats",
        "heartbeats",
        &[],
        "Pings, pongs and whatever else is sent only to show that a side lives.",
    ),
    term("term-heads", "HTTP heads", &[], "The heads of requests and answers that carried a publication."),
    term(
        "term-interval",
        "interval",
        &[],
        "What stands in brackets behind a value: between these two order statistics of the blocks the median lies with \
         at least 95 %; it takes six blocks.",
    ),
    term(
        "term-busiest",
        "its core at most",
        &[],
        "The share of the generator's CPU that was busy in the lane's busiest block, by anybody.",
    ),
    term("term-lane", "lane", &[], "One transport with its options: a row of the tables."),
    term(
        "term-ledger",
        "ledger",
        &[],
        "Two accounts that must come out even: every expected delivery by what became of it, and every stream byte by \
         what it was for.",
    ),
    term(
        "term-loopback",
        "loopback",
        &[],
        "The network inside one host, without a round trip worth the name, without loss and without a limit.",
    ),
    term("term-lost", "lost", &[], "Expected deliveries that never came; one of them makes the run INVALID."),
    term("term-median", "median", &[], "The value in the middle: half are at most as large."),
    term(
        "term-memory",
        "memory/connection",
        &["server process", "kernel"],
        "The growth of the server's memory between two sizes of the fleet, over the subscribers between them.",
    ),
    term(
        "term-noise-floor",
        "noise floor",
        &[],
        "The farthest bound of what the two runs of one lane differ by; no smaller difference is claimed.",
    ),
    term(
        "term-not-measured",
        "not measured",
        &[],
        "There is no such number in this run, which is not the same as zero.",
    ),
    term("term-p50", "p50", &["connect p50"], "Half of all are at most as large: the median."),
    term("term-p99", "p99", &["connect p99"], "99 of 100 are at most as large; it takes 1,000 publications."),
    term("term-payload", "payload", &[], "The bytes of data that the publisher wanted to send."),
    term("term-phase", "phase", &[], "Where in its interval a poller asks."),
    term(
        "term-poisson",
        "Poisson",
        &[],
        "Publications at random instants, independent of each other, at a fixed mean rate.",
    ),
    term("term-poll-interval", "poll interval", &[], "How often a lane asks that asks by the clock."),
    term(
        "term-pss-anon",
        "Pss_Anon",
        &[],
        "Memory that the server's process has for itself, as the kernel counts it; what it shares with others counts \
         in part.",
    ),
    term("term-publication", "publication", &[], "One item that was published into a room, for all its subscribers."),
    term(
        "term-publish-delay",
        "publish delay",
        &[],
        "From the instant at which a publication was due to that at which it was written; the generator's own lateness.",
    ),
    term(
        "term-quantile",
        "quantile",
        &["p75", "p90", "p95", "p99.9", "max"],
        "The value that a share of all do not exceed: 90 of 100 for the p90, given only with ten publications beyond it; all for \
         max.",
    ),
    term(
        "term-receive-lag",
        "receive lag",
        &[],
        "How long a read waited, stamped, until it was decoded; no smaller difference is claimed.",
    ),
    term("term-reordered", "reordered", &[], "Deliveries behind a later one of the same room."),
    term("term-replayed", "replayed", &[], "Deliveries out of what the room keeps, after a resume."),
    term(
        "term-requests",
        "requests/delivery",
        &[],
        "Requests that subscribers completed in the window, over deliveries in it.",
    ),
    term(
        "term-response-time",
        "response time",
        &["delay", "delay p50", "delay, p50"],
        "From the instant at which a publication was due to its delivery: what a user waits, queues included.",
    ),
    term(
        "term-ruler",
        "ruler",
        &[],
        "What measures here: generator, clock and ledger; feedbench calibrate holds it against what is known in advance.",
    ),
    term(
        "term-schedule",
        "SCHED_RR",
        &[],
        "The kernel's real-time scheduling that server and generator ask for, so that nothing else goes first.",
    ),
    term(
        "term-cpu",
        "server CPU",
        &["server CPU (x floor)", "server CPU/delivery"],
        "CPU time of the whole server process in the window, over deliveries in it; beside it the ratio to the floor.",
    ),
    term(
        "term-service-time",
        "service time",
        &[],
        "From the actual write of a publication to its delivery: response time without the publisher's lateness.",
    ),
    term(
        "term-setup",
        "setup/connection",
        &[],
        "Bytes of handshakes by TCP connection; a subscriber of some transports makes several.",
    ),
    term(
        "term-spread",
        "spread",
        &[],
        "In a calibration, the largest value less the smallest of those whose median is shown.",
    ),
    term("term-steal", "stolen by the hypervisor", &[], "CPU time that the hypervisor gave to somebody else."),
    term(
        "term-stream-bytes",
        "stream bytes",
        &["bytes/delivery", "stream, both"],
        "Bytes inside the TCP connections of subscribers, both directions, without what TCP and IP add.",
    ),
    term("term-subscriber", "subscriber", &[], "One client in one room."),
    term(
        "term-tcp-ip",
        "TCP/IP",
        &["IP, both"],
        "The heads of TCP and IP: 52 bytes for each segment that the kernel counted.",
    ),
    term("term-tls", "TLS", &[], "What encryption adds to the stream."),
    term(
        "term-twin",
        "twin",
        &[],
        "The second run of one lane in every block, which shows what equal things differ by.",
    ),
    term(
        "term-user-mode",
        "user mode",
        &["of it in user mode"],
        "The share of the server's CPU that was not spent in the kernel.",
    ),
    term(
        "term-verdict",
        "verdict",
        &[],
        "VALID when no rule is broken, SUSPECT when the figures may be disturbed, INVALID when they must not be used.",
    ),
    term(
        "term-warm-up",
        "warm-up",
        &[],
        "The time before the window, in which the feed already runs and nothing is counted.",
    ),
    term("term-window", "window", &[], "The time of a cell that counts."),
    term(
        "term-withdrawn",
        "withdrawn",
        &[],
        "A value or a difference that was seen and is not claimed, because something else explains it as well.",
    ),
];

/// The anchor of what a column's head means, where it is explained.
pub(crate) fn anchor(head: &str) -> Option<&'static str> {
    TERMS.iter().find(|term| term.name == head || term.heads.contains(&head)).map(|term| term.id)
}
