//! The reader: bytes to lines (section 9.2.5), lines to buffers, buffers to events (section 9.2.6).
//!
//! Lines are cut before they are decoded. That gives what decoding the whole stream would: CR, LF, colon and space are
//! never part of a longer character, and an unfinished one ends where they stand.

use std::{borrow::Cow, mem, time::Duration};

use memchr::{memchr, memchr2};

/// What [`Reader::default`] takes at most: 1 MiB. Sixteen times the longest `data` of a publication, so that a stream
/// that never ends an event is told from a long event.
pub const DEFAULT_MAX_EVENT_BYTES: usize = 1024 * 1024;

/// What came in: one for each blank line, and one for each comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// A blank line that dispatches.
    Message {
        /// The event's type: `message` when the stream has none.
        event: &'a str,
        /// The values of its `data` fields, with LF between them.
        data: &'a str,
        /// The last id that this event or one before it had; empty when none.
        last_event_id: &'a str,
        /// All of the event's lines but its comments. `data` is longer than this if enough of it was not UTF-8: each
        /// U+FFFD is 3 bytes and may stand for 1.
        bytes: usize,
    },
    /// A line that begins with a colon, told at its own end: it is a sign of life also inside an event. The blank line
    /// of a keep-alive `:\n\n` follows as [`Quiet`](Self::Quiet).
    Comment {
        /// The line. What was read of the event around it stays pending.
        bytes: usize,
    },
    /// A blank line that dispatches nothing, since no `data` came before it.
    Quiet {
        /// The blank line and all lines before it but comments, such as `retry` or a lone `id`.
        bytes: usize,
    },
}

impl Event<'_> {
    /// How many bytes of the stream this event was.
    pub const fn wire_bytes(&self) -> usize {
        match self {
            Self::Message { bytes, .. } | Self::Comment { bytes } | Self::Quiet { bytes } => *bytes,
        }
    }
}

/// An event that takes more bytes than the reader takes. How many is not known: a stream does not announce lengths.
/// Nothing can follow it: the connection has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is not complete after {limit_bytes} bytes, the limit")]
pub struct OversizeError {
    /// The most bytes that an event may take, names, colons and line ends included.
    pub limit_bytes: usize,
}

/// Takes a stream of events apart, in whatever pieces it comes; every way to split it gives the same events with the
/// same bytes.
///
/// Of all bytes taken from the input, each is in exactly one event's [`wire_bytes`](Event::wire_bytes) or in
/// [`pending`](Self::pending), after an error too. A byte order mark counts with the first line. A CR ends its line at
/// once, since nobody knows whether an LF will come: the LF of a CR LF counts with the line after it.
///
/// Whatever is pending when the stream ends is discarded, as section 9.2.6 asks: it is no event, and its id does not
/// count. Nothing in a stream is malformed: unknown fields are ignored, and U+FFFD stands for what is not UTF-8.
#[derive(Debug)]
pub struct Reader {
    max_event_bytes: usize,
    /// The beginning of a line that was split.
    held: Vec<u8>,
    /// Bytes taken of the line being read.
    line_bytes: usize,
    /// Bytes of the lines before it that belong to the same event.
    block_bytes: usize,
    after_cr: bool,
    /// A line has been read: a byte order mark is one no more.
    begun: bool,
    /// The buffers have been handed out and are reset with the next call.
    dispatched: bool,
    buffers: Buffers,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new(DEFAULT_MAX_EVENT_BYTES)
    }
}

impl Reader {
    /// A reader at the beginning of a stream, without a last event id, that takes at most `max_event_bytes` for one
    /// event and a comment inside it.
    pub fn new(max_event_bytes: usize) -> Self {
        Self {
            max_event_bytes,
            held: Vec::new(),
            line_bytes: 0,
            block_bytes: 0,
            after_cr: false,
            begun: false,
            dispatched: false,
            buffers: Buffers::default(),
        }
    }

    /// Takes the next event off the front of `input`; none when `input` is used up.
    ///
    /// # Errors
    ///
    /// As soon as the limit is reached before the event is complete, and on every call after that.
    pub fn next_event(&mut self, input: &mut &[u8]) -> Result<Option<Event<'_>>, OversizeError> {
        if mem::take(&mut self.dispatched) {
            self.buffers.reset();
        }
        while let Some(line) = self.take_line(input)? {
            let bytes = mem::take(&mut self.line_bytes);
            let mark = if mem::replace(&mut self.begun, true) { "" } else { "\u{feff}" };
            let line = line.strip_prefix(mark.as_bytes()).unwrap_or(&line);
            match line.first() {
                Some(b':') => return Ok(Some(Event::Comment { bytes })),
                Some(_) => {
                    self.block_bytes += bytes;
                    self.buffers.field(line);
                }
                None => {
                    self.dispatched = true;
                    let bytes = bytes + mem::take(&mut self.block_bytes);
                    return Ok(Some(self.buffers.dispatch(bytes)));
                }
            }
        }
        Ok(None)
    }

    /// Bytes taken that are not yet part of an event.
    pub const fn pending(&self) -> usize {
        self.block_bytes + self.line_bytes
    }

    /// The id to come back with: the one in force at the last blank line, whether or not that dispatched an event.
    /// Empty when there was none or an empty one took it back.
    pub fn last_event_id(&self) -> &str {
        &self.buffers.last_event_id
    }

    /// How long to wait before coming back, by the last valid `retry`; in force from the end of its line.
    pub const fn retry(&self) -> Option<Duration> {
        self.buffers.retry
    }

    /// Takes a line without its end; none when it is not all there.
    fn take_line<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Cow<'i, [u8]>>, OversizeError> {
        self.room()?;
        if !input.is_empty() && mem::take(&mut self.after_cr) && input[0] == b'\n' {
            *input = &input[1..];
            self.line_bytes += 1;
        }
        let within = &input[..input.len().min(self.room()?)];
        let Some(end) = memchr2(b'\r', b'\n', within) else {
            self.held.extend_from_slice(within);
            self.line_bytes += within.len();
            *input = &input[within.len()..];
            self.room()?;
            return Ok(None);
        };
        self.line_bytes += end + 1;
        self.after_cr = within[end] == b'\r';
        *input = &input[end + 1..];
        if self.held.is_empty() {
            return Ok(Some(Cow::Borrowed(&within[..end])));
        }
        self.held.extend_from_slice(&within[..end]);
        Ok(Some(Cow::Owned(mem::take(&mut self.held))))
    }

    /// How many more bytes may be taken for the event being read, never 0.
    const fn room(&self) -> Result<usize, OversizeError> {
        match self.max_event_bytes - self.pending() {
            0 => Err(OversizeError { limit_bytes: self.max_event_bytes }),
            room => Ok(room),
        }
    }
}

/// What section 9.2.6 calls buffers, and what they leave behind.
#[derive(Debug, Default)]
struct Buffers {
    event: String,
    /// Every value with an LF behind it, so that one empty value is not the same as none.
    data: String,
    id: String,
    last_event_id: String,
    retry: Option<Duration>,
}

impl Buffers {
    /// Processes a line that is neither blank nor a comment.
    fn field(&mut self, line: &[u8]) {
        let (name, value) = match memchr(b':', line) {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"event" => {
                self.event.clear();
                self.event.push_str(&String::from_utf8_lossy(value));
            }
            b"data" => {
                self.data.push_str(&String::from_utf8_lossy(value));
                self.data.push('\n');
            }
            b"id" if memchr(0, value).is_none() => {
                self.id.clear();
                self.id.push_str(&String::from_utf8_lossy(value));
            }
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                // More milliseconds than 64 bits count are as good as never.
                let add = |ms: u64, digit: &u8| ms.saturating_mul(10).saturating_add((digit - b'0').into());
                self.retry = Some(Duration::from_millis(value.iter().fold(0, add)));
            }
            _ => {}
        }
    }

    fn dispatch(&mut self, bytes: usize) -> Event<'_> {
        self.last_event_id.clone_from(&self.id);
        let Some(data) = self.data.strip_suffix('\n') else { return Event::Quiet { bytes } };
        let event = if self.event.is_empty() { "message" } else { &self.event };
        Event::Message { event, data, last_event_id: &self.last_event_id, bytes }
    }

    fn reset(&mut self) {
        self.event.clear();
        self.data.clear();
    }
}
