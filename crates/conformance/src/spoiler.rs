//! A driver whose bytes are changed on their way out: what careless clients send, on any lane, without knowing the lane.
//!
//! What a connection carries is read off the requests that go over it: HTTP, and after an upgrade frames of RFC 6455 or items
//! behind their length. Nothing that comes in is changed.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU16, AtomicU32, Ordering},
    },
};

use measure::Mono;
use transport::{Command, ConnectionId, Driver, Out};
use wire::{Draft, length_prefixed};

/// A final text frame, a fragment of one, and the continuation that ends it (RFC 6455, 5.2).
const TEXT: u8 = 0x81;
const FIRST_FRAGMENT: u8 = 0x01;
const LAST_FRAGMENT: u8 = 0x80;

/// The first of the bits without a meaning.
const RESERVED: u8 = 0x40;

/// A final close frame.
const CLOSE: u8 = 0x88;

/// The mask bit, the length that says that eight bytes of length follow, and the one that says that two do.
const MASKED: u8 = 0x80;
const LENGTH_64: u8 = 127;
const LENGTH_16: u8 = 126;

/// A length that nobody takes.
const ENORMOUS: u64 = 1 << 40;

/// What is done to the bytes.
#[derive(Debug, Clone)]
pub(crate) enum Spoil {
    /// Wherever these bytes stand, others of the same number stand in their place.
    Bytes { find: Vec<u8>, put: Vec<u8> },
    /// Requests of these methods have one header more.
    Header { line: String, of: &'static [&'static str] },
    /// The frame in which these bytes stand breaks a rule, or makes use of one.
    Frame { find: Vec<u8>, how: How },
}

/// What is done to a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// Two frames in its place, which is allowed.
    Fragmented,
    /// No mask, where there are masks.
    Unmasked,
    /// A bit that has no meaning, where there are any.
    ReservedBit,
    /// A length that nobody takes.
    Enormous,
}

/// What a connection carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carried {
    Http,
    /// Frames of RFC 6455.
    Frames,
    /// Items behind their length.
    Items,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Spoilt {
    http: AtomicU32,
    streamed: AtomicU32,
    close_code: AtomicU16,
    framed: AtomicBool,
}

impl Spoilt {
    /// Whether anything was changed.
    pub(crate) fn is_any(&self) -> bool {
        self.http.load(Ordering::Relaxed) > 0 || self.is_streamed()
    }

    /// Whether something was changed on a connection that had left HTTP.
    pub(crate) fn is_streamed(&self) -> bool {
        self.streamed.load(Ordering::Relaxed) > 0
    }

    /// Whether that connection had frames of RFC 6455.
    pub(crate) fn has_frames(&self) -> bool {
        self.framed.load(Ordering::Relaxed)
    }

    /// The code of the last close frame that came.
    pub(crate) fn close_code(&self) -> Option<u16> {
        Some(self.close_code.load(Ordering::Relaxed)).filter(|code| *code > 0)
    }
}

/// See the file.
#[derive(Debug)]
pub(crate) struct Spoiler {
    inner: Box<dyn Driver>,
    spoil: Spoil,
    spoilt: Arc<Spoilt>,
    carried: HashMap<ConnectionId, Carried>,
}

impl Spoiler {
    /// Wraps `inner`; the other value says later what came of it.
    pub(crate) fn around(inner: Box<dyn Driver>, spoil: Spoil) -> (Box<dyn Driver>, Arc<Spoilt>) {
        let spoilt = Arc::<Spoilt>::default();
        let spoiler = Self { inner, spoil, spoilt: Arc::clone(&spoilt), carried: HashMap::new() };
        (Box::new(spoiler), spoilt)
    }

    fn spoil(&mut self, out: &mut Out) {
        for command in &mut out.commands {
            let Command::Write(connection, bytes) = command else { continue };
            let carried = self.carried.get(connection).copied().unwrap_or(Carried::Http);
            let changed = self.spoil.on(carried, bytes);
            if carried == Carried::Http {
                self.carried.insert(*connection, after(bytes));
            }
            if changed {
                let count = if carried == Carried::Http { &self.spoilt.http } else { &self.spoilt.streamed };
                count.fetch_add(1, Ordering::Relaxed);
                self.spoilt.framed.fetch_or(carried == Carried::Frames, Ordering::Relaxed);
            }
        }
    }

    /// Looks for a close frame, which ends whatever it comes with.
    fn overhear(&self, connection: ConnectionId, bytes: &[u8]) {
        if self.carried.get(&connection) != Some(&Carried::Frames) {
            return;
        }
        let ends = |at: &usize| {
            bytes[*at] == CLOSE && bytes.get(at + 1).is_some_and(|len| at + 2 + usize::from(*len) == bytes.len())
        };
        let close = (0..bytes.len()).rev().find(ends).and_then(|at| bytes.get(at + 2..at + 4));
        if let Some(&[high, low]) = close {
            self.spoilt.close_code.store(u16::from_be_bytes([high, low]), Ordering::Relaxed);
        }
    }
}

/// What a connection carries once its request is answered as asked.
fn after(request: &[u8]) -> Carried {
    let head = String::from_utf8_lossy(request).to_ascii_lowercase();
    match head.split("\r\nupgrade: ").nth(1) {
        None => Carried::Http,
        Some(protocol) if protocol.starts_with("websocket\r\n") => Carried::Frames,
        Some(_) => Carried::Items,
    }
}

impl Spoil {
    /// Changes what is written at once on a connection; whether there was anything to change.
    pub(crate) fn on(&self, carried: Carried, bytes: &mut Vec<u8>) -> bool {
        match (carried, self) {
            (Carried::Frames, _) => {
                let mut rest = &bytes[..];
                let mut written = Vec::new();
                let mut changed = false;
                while let Some(frame) = Frame::take(&mut rest) {
                    changed |= frame.spoilt(self, &mut written);
                }
                written.extend_from_slice(rest);
                *bytes = written;
                changed
            }
            (_, Self::Bytes { find, put }) => replace(bytes, find, put),
            (Carried::Http, Self::Header { line, of }) => {
                let has = |method: &&str| bytes.strip_prefix(method.as_bytes()).is_some_and(|rest| rest[0] == b' ');
                let behind_first_line = at(bytes, b"\r\n").filter(|_| of.iter().any(has)).map(|end| end + 2);
                let line = format!("{line}\r\n");
                behind_first_line.map(|at| drop(bytes.splice(at..at, line.into_bytes()))).is_some()
            }
            (Carried::Items, Self::Frame { find, how: How::Enormous }) if at(bytes, find).is_some() => {
                bytes[..length_prefixed::HEADER_LEN].fill(u8::MAX);
                true
            }
            _ => false,
        }
    }
}

/// One masked frame that is written whole.
struct Frame {
    first: u8,
    mask: [u8; 4],
    payload: Vec<u8>,
}

impl Frame {
    fn take(rest: &mut &[u8]) -> Option<Self> {
        let (&[first, second], behind) = rest.split_first_chunk()?;
        let (length, behind) = match second & !MASKED {
            LENGTH_64 => behind.split_first_chunk().map(|(length, rest)| (u64::from_be_bytes(*length), rest))?,
            LENGTH_16 => behind.split_first_chunk().map(|(length, rest)| (u16::from_be_bytes(*length).into(), rest))?,
            short => (short.into(), behind),
        };
        let (mask, behind) = behind.split_first_chunk::<4>()?;
        let (payload, behind) = behind.split_at_checked(usize::try_from(length).ok()?)?;
        *rest = behind;
        let mut frame = Self { first, mask: *mask, payload: payload.to_vec() };
        frame.apply_mask();
        Some(frame)
    }

    fn apply_mask(&mut self) {
        self.payload.iter_mut().zip(self.mask.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
    }

    /// Appends it to `out`, changed where it is to be; whether it was.
    fn spoilt(mut self, spoil: &Spoil, out: &mut Vec<u8>) -> bool {
        let how = match spoil {
            Spoil::Bytes { find, put } => {
                let changed = replace(&mut self.payload, find, put);
                self.write(out);
                return changed;
            }
            Spoil::Frame { find, how } if at(&self.payload, find).is_some() => *how,
            Spoil::Frame { .. } | Spoil::Header { .. } => {
                self.write(out);
                return false;
            }
        };
        match how {
            How::Fragmented => {
                let rest = self.payload.split_off(self.payload.len() / 2);
                let mask = self.mask;
                Self { first: FIRST_FRAGMENT, ..self }.write(out);
                Self { first: LAST_FRAGMENT, mask, payload: rest }.write(out);
            }
            How::Unmasked => {
                out.push(TEXT);
                push_length(self.payload.len() as u64, 0, out);
                out.extend_from_slice(&self.payload);
            }
            How::ReservedBit => Self { first: self.first | RESERVED, ..self }.write(out),
            How::Enormous => {
                out.push(TEXT);
                push_length(ENORMOUS, MASKED, out);
                out.extend_from_slice(&self.mask);
                self.apply_mask();
                out.extend_from_slice(&self.payload);
            }
        }
        true
    }

    fn write(mut self, out: &mut Vec<u8>) {
        out.push(self.first);
        push_length(self.payload.len() as u64, MASKED, out);
        out.extend_from_slice(&self.mask);
        self.apply_mask();
        out.extend_from_slice(&self.payload);
    }
}

fn push_length(length: u64, masked: u8, out: &mut Vec<u8>) {
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if short < LENGTH_16 => out.push(masked | short),
        (_, Ok(middle)) => {
            out.push(masked | LENGTH_16);
            out.extend_from_slice(&middle.to_be_bytes());
        }
        _ => {
            out.push(masked | LENGTH_64);
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
}

fn at(bytes: &[u8], find: &[u8]) -> Option<usize> {
    bytes.windows(find.len()).position(|window| window == find)
}

/// Puts `put` wherever `find` stands, which is as long.
fn replace(bytes: &mut [u8], find: &[u8], put: &[u8]) -> bool {
    let mut behind = 0;
    while let Some(start) = at(&bytes[behind..], find) {
        let start = behind + start;
        behind = start + find.len();
        bytes[start..behind].copy_from_slice(put);
    }
    behind > 0
}

impl Driver for Spoiler {
    fn start(&mut self, now: Mono, out: &mut Out) {
        self.inner.start(now, out);
        self.spoil(out);
    }

    fn on_bytes(&mut self, connection: ConnectionId, bytes: &[u8], now: Mono, out: &mut Out) {
        self.overhear(connection, bytes);
        self.inner.on_bytes(connection, bytes, now, out);
        self.spoil(out);
    }

    fn on_end(&mut self, connection: ConnectionId, now: Mono, out: &mut Out) {
        self.inner.on_end(connection, now, out);
        self.spoil(out);
    }

    fn on_timer(&mut self, now: Mono, out: &mut Out) {
        self.inner.on_timer(now, out);
        self.spoil(out);
    }

    fn publish(&mut self, draft: &Draft<'_>, reference: u64, now: Mono, out: &mut Out) {
        self.inner.publish(draft, reference, now, out);
        self.spoil(out);
    }

    fn stop(&mut self, now: Mono, out: &mut Out) {
        self.inner.stop(now, out);
        self.spoil(out);
    }
}
