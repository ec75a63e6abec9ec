//! The framing of the `raw` control lane, both ways: a 4-byte big-endian length, then that many bytes. Length 0 is a
//! heartbeat.
//!
//! The least framing a stream can have and still tell its items apart: the floor against which the other transports'
//! overhead is read.

/// Bytes before every item; all of a heartbeat.
pub const HEADER_LEN: usize = 4;

/// Appends `item` behind its length to `out`. An empty item is a heartbeat.
///
/// # Panics
///
/// When the item is longer than a length can say (4 GiB).
pub fn encode(item: &[u8], out: &mut Vec<u8>) {
    let Ok(len) = u32::try_from(item.len()) else { panic!("an item of {} bytes has no length", item.len()) };
    out.reserve(HEADER_LEN + item.len());
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(item);
}

/// What came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// One item, never empty.
    Item(&'a [u8]),
    /// The other end lives and has nothing to say.
    Heartbeat,
}

impl Event<'_> {
    /// How many bytes of the stream this event was.
    pub const fn wire_bytes(self) -> usize {
        match self {
            Self::Item(item) => HEADER_LEN + item.len(),
            Self::Heartbeat => HEADER_LEN,
        }
    }
}

/// An item longer than the reader takes. Nothing can follow it: the connection has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an item of {size_bytes} bytes was announced, the limit is {limit_bytes}")]
pub struct OversizeError {
    /// The length that was announced, without the header.
    pub size_bytes: usize,
    /// The longest item taken.
    pub limit_bytes: usize,
}

/// Takes a stream apart, in whatever pieces it comes.
///
/// Of all bytes taken from the input, each is in exactly one event's [`wire_bytes`](Event::wire_bytes) or in
/// [`pending`](Self::pending), after an error too.
#[derive(Debug)]
pub struct Reader {
    max_item_bytes: usize,
    /// The beginning of an item that was split, header included.
    held: Vec<u8>,
    /// `held` has been handed out and goes with the next call.
    spent: bool,
}

impl Reader {
    /// A reader at the beginning of a stream that refuses items over `max_item_bytes`.
    pub const fn new(max_item_bytes: usize) -> Self {
        Self { max_item_bytes, held: Vec::new(), spent: false }
    }

    /// Takes the next event off the front of `input`; none when `input` is used up.
    ///
    /// An item that lies wholly in `input` is not copied.
    ///
    /// # Errors
    ///
    /// As soon as the header of an item over the limit is complete, and on every call after that.
    pub fn next_event<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Result<Option<Event<'a>>, OversizeError> {
        if self.spent {
            self.held.clear();
            self.spent = false;
        }
        if self.held.is_empty()
            && let Some(total) = self.total(input)?
            && let Some((whole, rest)) = input.split_at_checked(total)
        {
            *input = rest;
            return Ok(Some(event(whole)));
        }
        self.hold(HEADER_LEN, input);
        let Some(total) = self.total(&self.held)? else { return Ok(None) };
        self.hold(total, input);
        self.spent = self.held.len() == total;
        Ok(self.spent.then(|| event(&self.held)))
    }

    /// Bytes taken that are not yet part of an event.
    pub const fn pending(&self) -> usize {
        if self.spent { 0 } else { self.held.len() }
    }

    /// The length of the item that `bytes` begin with, header included; none when the header is not all there.
    fn total(&self, bytes: &[u8]) -> Result<Option<usize>, OversizeError> {
        let Some(header) = bytes.first_chunk::<HEADER_LEN>() else { return Ok(None) };
        let size_bytes = u32::from_be_bytes(*header) as usize;
        if size_bytes > self.max_item_bytes {
            return Err(OversizeError { size_bytes, limit_bytes: self.max_item_bytes });
        }
        Ok(Some(HEADER_LEN + size_bytes))
    }

    /// Moves bytes over until `total` are held or `input` is used up.
    fn hold(&mut self, total: usize, input: &mut &[u8]) {
        let missing = total.saturating_sub(self.held.len());
        let (part, rest) = input.split_at(missing.min(input.len()));
        self.held.extend_from_slice(part);
        *input = rest;
    }
}

fn event(whole: &[u8]) -> Event<'_> {
    match &whole[HEADER_LEN..] {
        [] => Event::Heartbeat,
        item => Event::Item(item),
    }
}
