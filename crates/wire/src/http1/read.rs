//! The reader of one direction, responses or requests: heads, bodies, and the bytes between (RFC 9112, sections 6 and 7).

use std::mem;

use memchr::memchr;

use super::{
    Error, Head, RequestHead,
    head::{Body, Start},
};

/// What a reader takes at most.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest head, interim responses before it included. Default 64 KiB: a hundred times our own, and no more
    /// memory per connection than a server's send buffer takes anyway.
    pub max_head_bytes: usize,
    /// The longest first line of a chunk and the longest trailer field. Default 4 KiB: a size takes 18 bytes, the rest
    /// is room for extensions that nobody reads.
    pub max_line_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_head_bytes: 64 * 1024, max_line_bytes: 4 * 1024 }
    }
}

/// The next piece of a stream of messages: `Head`, then `Body` and `Framing` in any number, then `End`, and again.
///
/// A response's body without a length ends with the stream: no `End` follows, see [`Reader::finish`]. After a head with
/// status 101 there is only `Upgraded`; a reader of requests never gives that, for it does not see the answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a, H = Head> {
    /// A request or a final response begins, or the protocol changes (101).
    Head {
        /// The first line and the fields.
        head: &'a H,
        /// The head up to and with its empty line, and all interim responses (1xx) skipped before it.
        bytes: usize,
    },
    /// A piece of the body, never empty.
    Body(&'a [u8]),
    /// A line of the chunked coding: a chunk's size, the CR LF after its data, a trailer field, the empty line at the
    /// end.
    Framing {
        /// The line, its CR LF included.
        bytes: usize,
    },
    /// The message is complete. Takes no bytes.
    End,
    /// A piece of the protocol upgraded to, never empty.
    Upgraded(&'a [u8]),
}

impl<H> Clone for Event<'_, H> {
    fn clone(&self) -> Self {
        *self
    }
}

// Not derived: that would ask for a head that is copied too.
impl<H> Copy for Event<'_, H> {}

impl<H> Event<'_, H> {
    /// How many bytes of the stream this event was.
    pub const fn wire_bytes(&self) -> usize {
        match self {
            Self::Head { bytes, .. } | Self::Framing { bytes } => *bytes,
            Self::Body(piece) | Self::Upgraded(piece) => piece.len(),
            Self::End => 0,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum State {
    Head,
    Length(u64),
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    Trailer,
    UntilClose,
    Upgraded,
}

/// An [`Event`] that borrows only the input, so that the reader can still be changed.
enum Step<'i> {
    Head { bytes: usize },
    Body(&'i [u8]),
    Framing { bytes: usize },
    End,
    Upgraded(&'i [u8]),
}

/// Reads what a server writes.
pub type ResponseReader = Reader<Head>;

/// Reads what a client writes.
pub type RequestReader = Reader<RequestHead>;

/// Takes a stream of messages apart, in whatever pieces it comes.
///
/// Of all bytes taken from the input, each is in exactly one event's [`wire_bytes`](Event::wire_bytes) or in
/// [`pending`](Self::pending), after an error too.
#[derive(Debug)]
pub struct Reader<H> {
    limits: Limits,
    state: State,
    head: H,
    /// The next message has no body, whatever its head says.
    bodiless: bool,
    /// The lines of a head so far, or one line of the chunked coding.
    held: Vec<u8>,
    /// Where in `held` the line being read begins.
    line_start: usize,
    /// Bytes taken since the last event.
    pending: usize,
    failed: Option<Error>,
}

impl<H: Start> Default for Reader<H> {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl<H: Start> Reader<H> {
    /// A reader at the beginning of a connection.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: State::Head,
            head: H::default(),
            bodiless: false,
            held: Vec::new(),
            line_start: 0,
            pending: 0,
            failed: None,
        }
    }

    /// Takes the next event off the front of `input`; none when `input` is used up and nothing is left to say.
    ///
    /// To be called until it returns none: `End` may come when `input` is already empty. Bodies are not copied. After
    /// the head of a 101 the caller may as well give the rest of `input` to the next protocol's reader.
    ///
    /// # Errors
    ///
    /// The first thing that the stream does wrong, and the same again on every call after that.
    pub fn next_event<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Result<Option<Event<'a, H>>, Error> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let step = self.step(input).inspect_err(|error| self.failed = Some(*error))?;
        Ok(step.map(|step| match step {
            Step::Head { bytes } => Event::Head { head: &self.head, bytes },
            Step::Body(piece) => Event::Body(piece),
            Step::Framing { bytes } => Event::Framing { bytes },
            Step::End => Event::End,
            Step::Upgraded(piece) => Event::Upgraded(piece),
        }))
    }

    /// The next final response answers a HEAD: it has no body, whatever its fields say (section 6.3, rule 1).
    pub const fn expect_no_body(&mut self) {
        self.bodiless = true;
    }

    /// Bytes taken that are not yet part of an event.
    pub const fn pending(&self) -> usize {
        self.pending
    }

    /// Says whether the stream may end here: between messages, in a body without a length, after an upgrade.
    ///
    /// # Errors
    ///
    /// [`Error::Truncated`] inside a message, or what [`next_event`](Self::next_event) failed with.
    pub const fn finish(&self) -> Result<(), Error> {
        match (self.failed, self.state) {
            (Some(error), _) => Err(error),
            (None, State::Head) if self.pending == 0 => Ok(()),
            (None, State::Length(0) | State::UntilClose | State::Upgraded) => Ok(()),
            (None, _) => Err(Error::Truncated),
        }
    }

    fn step<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Step<'i>>, Error> {
        match self.state {
            State::Head => self.head(input),
            State::Length(0) => {
                self.state = State::Head;
                Ok(Some(Step::End))
            }
            State::Length(left) => Ok(take_up_to(left, input).map(|(piece, left)| {
                self.state = State::Length(left);
                Step::Body(piece)
            })),
            State::ChunkData(left) => Ok(take_up_to(left, input).map(|(piece, left)| {
                self.state = if left == 0 { State::ChunkEnd } else { State::ChunkData(left) };
                Step::Body(piece)
            })),
            State::ChunkSize | State::ChunkEnd | State::Trailer => self.framing(input),
            State::UntilClose => Ok(take_up_to(u64::MAX, input).map(|(piece, _)| Step::Body(piece))),
            State::Upgraded => Ok(take_up_to(u64::MAX, input).map(|(piece, _)| Step::Upgraded(piece))),
        }
    }

    fn head<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Step<'i>>, Error> {
        let limit_bytes = self.limits.max_head_bytes;
        while self.take_line(input, limit_bytes, Error::HeadTooLong { limit_bytes })? {
            if &self.held[self.line_start..] != b"\r\n" {
                self.line_start = self.held.len();
                continue;
            }
            self.line_start = 0;
            self.head = H::parse(&self.held)?;
            self.held.clear();
            self.state = match self.head.body()? {
                Body::Upgraded => State::Upgraded,
                // Its bytes stay pending and count with the head of the final response.
                Body::Interim => continue,
                _ if self.bodiless => State::Length(0),
                Body::Length(length) => State::Length(length),
                Body::Chunked => State::ChunkSize,
                Body::UntilClose => State::UntilClose,
            };
            self.bodiless = false;
            return Ok(Some(Step::Head { bytes: mem::take(&mut self.pending) }));
        }
        Ok(None)
    }

    fn framing<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Step<'i>>, Error> {
        let limit_bytes = self.limits.max_line_bytes;
        let (limit, too_long) = match self.state {
            State::ChunkEnd => (2, Error::ChunkEnd),
            _ => (limit_bytes, Error::LineTooLong { limit_bytes }),
        };
        if !self.take_line(input, limit, too_long)? {
            return Ok(None);
        }
        self.state = match (self.state, self.held.as_slice()) {
            (State::ChunkEnd, _) => State::ChunkSize,
            (State::Trailer, b"\r\n") => State::Length(0),
            (State::Trailer, _) => State::Trailer,
            (_, line) => match chunk_size(line)? {
                0 => State::Trailer,
                size => State::ChunkData(size),
            },
        };
        self.held.clear();
        Ok(Some(Step::Framing { bytes: mem::take(&mut self.pending) }))
    }

    /// Moves a line over from `input`; false when it is not all there. Fails with `too_long` when `limit` bytes since
    /// the last event do not complete it.
    fn take_line(&mut self, input: &mut &[u8], limit: usize, too_long: Error) -> Result<bool, Error> {
        let within = &input[..input.len().min(limit - self.pending)];
        let end = memchr(b'\n', within).map_or(within.len(), |at| at + 1);
        let (part, rest) = input.split_at(end);
        self.held.extend_from_slice(part);
        self.pending += part.len();
        *input = rest;
        if !part.ends_with(b"\n") {
            return if self.pending == limit { Err(too_long) } else { Ok(false) };
        }
        let line = &self.held[self.line_start..];
        // The first CR is the last byte but one: neither a bare LF nor a bare CR is in the line.
        if memchr(b'\r', line).is_some_and(|at| at + 2 == line.len()) { Ok(true) } else { Err(Error::LineEnding) }
    }
}

/// The front of `input`, at most `left` bytes of it, and how many are left then; none when `input` is empty.
fn take_up_to<'i>(left: u64, input: &mut &'i [u8]) -> Option<(&'i [u8], u64)> {
    let len = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
    let (piece, rest) = input.split_at(len);
    *input = rest;
    (len > 0).then(|| (piece, left - len as u64))
}

/// The size in a chunk's first line. Extensions are passed over (section 7.1.1).
fn chunk_size(line: &[u8]) -> Result<u64, Error> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (digits, extension) = line.split_at(digits);
    if digits.is_empty() || !matches!(extension.trim_ascii_start(), [] | [b';', ..]) {
        return Err(Error::ChunkSize);
    }
    let size = digits
        .iter()
        .try_fold(0_u64, |size, &digit| size.checked_mul(16)?.checked_add(char::from(digit).to_digit(16)?.into()));
    size.ok_or(Error::ChunkSizeOverflow)
}
