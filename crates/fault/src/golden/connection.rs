//! One connection: the upgrade, a hello, then items until the peer ends it.

use std::{
    io::{self, Read, Write as _},
    net::TcpStream,
    sync::{Arc, mpsc::SyncSender},
    time::Duration,
};

use measure::Mono;
use wire::{
    Ack, Control, Epoch, Hello, Position, Publication, Refusal,
    length_prefixed::{self, Event, Reader},
    uplink::{self, Uplink},
};

use super::{Behaviour, delivery::Due, rooms::Rooms};

/// A request is a few hundred bytes; whoever sends more is lost.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// The largest item from a publisher: any `data` that the feed contract allows, and what is around it.
const MAX_ITEM_BYTES: usize = 128 * 1024;

/// How much is read at once.
const PIECE_BYTES: usize = 4 * 1024;

/// The only history there is.
const EPOCH: &str = "golden";

/// No run is that long: neither end has to show that it lives.
const HEARTBEAT_MS: u64 = 600_000;

/// How long a head may take.
const HEAD_WITHIN: Duration = Duration::from_secs(5);

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) room: String,
    /// False for an uplink alone.
    pub(super) receive: bool,
    /// The protocol to go over to, as the client names it.
    pub(super) protocol: String,
}

impl Asked {
    /// Reads a head: `GET /v1/{namespace}/{room}/{transport}[?receive=false]` with an `Upgrade`.
    pub(super) fn parse(head: &str) -> Option<Self> {
        let mut lines = head.split("\r\n");
        let target = lines.next()?.strip_prefix("GET ")?.split(' ').next()?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (room, _transport) = path.strip_prefix("/v1/")?.rsplit_once('/')?;
        let upgrade =
            lines.filter_map(|line| line.split_once(':')).find(|(name, _)| name.eq_ignore_ascii_case("upgrade"));
        Some(Self {
            room: room.to_owned(),
            receive: !query.split('&').any(|pair| pair == "receive=false"),
            protocol: upgrade?.1.trim().to_owned(),
        })
    }
}

/// Serves one connection to its end.
pub(super) fn serve(tcp: TcpStream, behaviour: Behaviour, rooms: &Rooms, queue: &SyncSender<Due>) {
    // Written to, so that it is the process's own and not the page of zeros that all share.
    let touched = vec![1_u8; behaviour.touch_bytes];
    // Whichever end failed: the connection is over, and the ruler counts what it missed.
    let _ended = carry(tcp, behaviour, rooms, queue);
    drop(std::hint::black_box(touched));
}

fn carry(mut tcp: TcpStream, behaviour: Behaviour, rooms: &Rooms, queue: &SyncSender<Due>) -> io::Result<()> {
    tcp.set_nodelay(!behaviour.two_writes)?;
    tcp.set_read_timeout(Some(HEAD_WITHIN))?;
    let (head, rest) = read_head(&mut tcp)?;
    tcp.set_read_timeout(None)?;
    let Some(asked) = Asked::parse(&head) else {
        return tcp.write_all(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    let greeting = |offset| greeting(&asked.protocol, offset);
    let joined = if asked.receive {
        Some(rooms.join(&asked.room, tcp.try_clone()?, greeting)?)
    } else {
        tcp.write_all(&greeting(rooms.offset(&asked.room))?)?;
        None
    };
    let ended = items(&mut tcp, &rest, &Arc::from(asked.room.as_str()), behaviour.delay, rooms, queue);
    if let Some(number) = joined {
        rooms.leave(&asked.room, number);
    }
    ended
}

/// The answer to the upgrade, and the hello of a stream that goes on after `offset`.
fn greeting(protocol: &str, offset: u64) -> io::Result<Vec<u8>> {
    let head = format!("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: {protocol}\r\n\r\n");
    let mut bytes = head.into_bytes();
    let hello = Hello { position: position(offset)?, session: EPOCH.to_owned(), heartbeat_ms: HEARTBEAT_MS };
    length_prefixed::encode(Control::Hello(hello).encode().as_bytes(), &mut bytes);
    Ok(bytes)
}

/// Reads a head; gives it, and what came behind it.
fn read_head(tcp: &mut impl Read) -> io::Result<(String, Vec<u8>)> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 2048]);
    loop {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let rest = bytes.split_off(end + 4);
            return Ok((String::from_utf8_lossy(&bytes).into_owned(), rest));
        }
        match tcp.read(&mut piece)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ if bytes.len() > MAX_HEAD_BYTES => return Err(io::ErrorKind::InvalidData.into()),
            length => bytes.extend_from_slice(&piece[..length]),
        }
    }
}

/// Takes items until the peer's end.
fn items(
    tcp: &mut TcpStream,
    first: &[u8],
    room: &Arc<str>,
    delay: Duration,
    rooms: &Rooms,
    queue: &SyncSender<Due>,
) -> io::Result<()> {
    let mut reader = Reader::new(MAX_ITEM_BYTES);
    let (mut piece, mut length) = (vec![0; first.len().max(PIECE_BYTES)], first.len());
    piece[..length].copy_from_slice(first);
    loop {
        let read = Mono::now();
        let mut input = &piece[..length];
        while let Some(event) = reader.next_event(&mut input).map_err(io::Error::other)? {
            let Event::Item(item) = event else { continue };
            let (due, answer) = take(item, room, read + delay, rooms);
            let mut bytes = Vec::new();
            length_prefixed::encode(answer.encode().as_bytes(), &mut bytes);
            if let Some(due) = due {
                queue.send(due).map_err(io::Error::other)?;
            }
            tcp.write_all(&bytes)?;
        }
        length = tcp.read(&mut piece)?;
        if length == 0 {
            return Ok(());
        }
    }
}

/// Takes one item: a publication to deliver, and the answer to its publisher.
fn take(item: &[u8], room: &Arc<str>, at: Mono, rooms: &Rooms) -> (Option<Due>, Control) {
    let text = String::from_utf8_lossy(item);
    let refused =
        |detail: String| Control::Error(Refusal { reference: uplink::reference_of(&text), status: 400, detail });
    let Ok(Uplink { publish, reference }) = serde_json::from_str::<Uplink<'_>>(&text) else {
        return (None, refused("not an item to publish".to_owned()));
    };
    let offset = rooms.publish(room);
    let Ok(position) = position(offset) else { return (None, refused("no position".to_owned())) };
    let publication = Publication {
        offset,
        event: publish.event,
        from: None,
        to: None,
        at_us: measure::unix_time_us(),
        data: publish.data,
    };
    let json = Arc::from(publication.encode());
    let due = Due { at, room: Arc::clone(room), offset, json };
    (Some(due), Control::Ack(Ack { reference, position }))
}

fn position(offset: u64) -> io::Result<Position> {
    let epoch = Epoch::new(EPOCH).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(Position { epoch, offset })
}
