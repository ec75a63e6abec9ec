//! Frames to messages: fragments put together, texts checked (RFC 6455, sections 5.4 to 5.6, 7.4 and 8.1).

use std::{mem, str};

use super::{
    Error, Opcode,
    frame::{Frame, apply_mask},
};

/// Whose frames are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Masks every frame.
    Client,
    /// Masks none.
    Server,
}

/// What a reader takes at most, payloads only.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest frame.
    pub max_frame_bytes: usize,
    /// The longest message, all its fragments together.
    pub max_message_bytes: usize,
}

/// A message or a control frame, and what it took on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// What came in.
    pub content: Content<'a>,
    /// The headers and masks of all its frames; control frames between its fragments are events of their own.
    pub header_bytes: usize,
    /// The payloads of all its frames; of a close frame with code and reason, that includes the code.
    pub payload_bytes: usize,
}

impl Event<'_> {
    /// How many bytes of the stream this event was.
    pub const fn wire_bytes(&self) -> usize {
        self.header_bytes + self.payload_bytes
    }
}

/// What came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'a> {
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
    /// To be answered by a pong with the same payload.
    Ping(&'a [u8]),
    /// Answers a ping, or just shows life.
    Pong(&'a [u8]),
    /// The end of this direction, with or without a reason.
    Close(Option<Close<'a>>),
}

/// Why the other end closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Close<'a> {
    /// One that may be sent (section 7.4): 1000-1003, 1007-1014, 3000-4999.
    pub code: u16,
    /// For people.
    pub reason: &'a str,
}

impl<'a> Content<'a> {
    fn decode(opcode: Opcode, payload: &'a [u8]) -> Result<Self, Error> {
        let text = |bytes| str::from_utf8(bytes).map_err(|_| Error::NotUtf8);
        Ok(match opcode {
            Opcode::Text => Self::Text(text(payload)?),
            Opcode::Binary => Self::Binary(payload),
            Opcode::Ping => Self::Ping(payload),
            Opcode::Pong => Self::Pong(payload),
            Opcode::Continuation => return Err(Error::NothingToContinue),
            Opcode::Close => match payload.split_first_chunk() {
                None if payload.is_empty() => Self::Close(None),
                None => return Err(Error::CloseTooShort),
                Some((code, reason)) => match u16::from_be_bytes(*code) {
                    code @ (1000..=1003 | 1007..=1014 | 3000..=4999) => {
                        Self::Close(Some(Close { code, reason: text(reason)? }))
                    }
                    code => return Err(Error::CloseCode(code)),
                },
            },
        })
    }
}

/// A message or a control frame whose payload has not been looked at.
struct Taken<'i> {
    opcode: Opcode,
    header_bytes: usize,
    payload: Payload<'i>,
}

/// Where a payload lies. Only the input is borrowed, so that the reader can still be changed.
#[derive(Clone, Copy)]
enum Payload<'i> {
    Input(&'i [u8]),
    /// In `Reader::held`, after the header.
    Held,
    /// In `Reader::message`.
    Message,
}

/// Takes one direction of a stream apart, in whatever pieces it comes.
///
/// Of all bytes taken from the input, each is in exactly one event's [`wire_bytes`](Event::wire_bytes) or in
/// [`pending`](Self::pending), after an error too.
#[derive(Debug)]
pub struct Reader {
    from: Role,
    limits: Limits,
    /// The beginning of a frame that was split, header included, or a frame to unmask.
    held: Vec<u8>,
    /// `held` has been handed out and goes with the next call.
    spent: bool,
    /// What the fragmented message being read is; none between messages.
    open: Option<Opcode>,
    /// The payloads of its fragments.
    message: Vec<u8>,
    /// The headers of its fragments.
    message_header_bytes: usize,
    pending: usize,
    closed: bool,
    failed: Option<Error>,
}

impl Reader {
    /// A reader at the beginning of the frames that `from` sends.
    pub const fn new(from: Role, limits: Limits) -> Self {
        Self {
            from,
            limits,
            held: Vec::new(),
            spent: false,
            open: None,
            message: Vec::new(),
            message_header_bytes: 0,
            pending: 0,
            closed: false,
            failed: None,
        }
    }

    /// Takes the next event off the front of `input`; none when `input` is used up.
    ///
    /// The payload of an unfragmented, unmasked frame that lies wholly in `input` is not copied.
    ///
    /// # Errors
    ///
    /// The first thing that the stream does wrong, and the same again on every call after that. Texts are checked when
    /// their message is complete.
    pub fn next_event<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Result<Option<Event<'a>>, Error> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let taken = self.take_message(input).inspect_err(|error| self.failed = Some(*error))?;
        let Some(Taken { opcode, header_bytes, payload }) = taken else { return Ok(None) };
        let payload = match payload {
            Payload::Input(payload) => payload,
            Payload::Held => &self.held[header_bytes..],
            Payload::Message => &self.message,
        };
        let content = Content::decode(opcode, payload).inspect_err(|error| self.failed = Some(*error))?;
        self.closed = opcode == Opcode::Close;
        self.pending -= header_bytes + payload.len();
        Ok(Some(Event { content, header_bytes, payload_bytes: payload.len() }))
    }

    /// Bytes taken that are not yet part of an event, the fragments of an unfinished message among them.
    pub const fn pending(&self) -> usize {
        self.pending
    }

    /// Takes frames until a message or a control frame is complete.
    fn take_message<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Taken<'i>>, Error> {
        while let Some((frame, payload)) = self.take_frame(input)? {
            let opcode = self.message_opcode(frame.opcode)?;
            if frame.last && frame.opcode != Opcode::Continuation {
                return Ok(Some(Taken { opcode, header_bytes: frame.header_bytes, payload }));
            }
            self.append(opcode, &frame, payload);
            if frame.last {
                self.open = None;
                let header_bytes = mem::take(&mut self.message_header_bytes);
                return Ok(Some(Taken { opcode, header_bytes, payload: Payload::Message }));
            }
        }
        Ok(None)
    }

    /// Takes one frame, unmasked.
    fn take_frame<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<(Frame, Payload<'i>)>, Error> {
        if mem::take(&mut self.spent) {
            self.held.clear();
        }
        if self.closed && !input.is_empty() {
            return Err(Error::AfterClose);
        }
        if self.held.is_empty()
            && let Some(frame) = self.frame(input)?
            && frame.mask.is_none()
            && let Some((whole, rest)) = input.split_at_checked(frame.wire_bytes())
        {
            *input = rest;
            self.pending += whole.len();
            return Ok(Some((frame, Payload::Input(&whole[frame.header_bytes..]))));
        }
        let frame = loop {
            if let Some(frame) = self.frame(&self.held)? {
                break frame;
            }
            if input.is_empty() {
                return Ok(None);
            }
            // One by one, because where a header ends is only known from its bytes; there are at most 14.
            self.hold(1, input);
        };
        self.hold(frame.wire_bytes() - self.held.len(), input);
        if self.held.len() < frame.wire_bytes() {
            return Ok(None);
        }
        if let Some(mask) = frame.mask {
            apply_mask(&mut self.held[frame.header_bytes..], mask);
        }
        self.spent = true;
        Ok(Some((frame, Payload::Held)))
    }

    /// Reads the header that `bytes` begin with and checks that it may come here; none when it is not all there.
    fn frame(&self, bytes: &[u8]) -> Result<Option<Frame>, Error> {
        let Some(frame) = Frame::decode(bytes, self.from, self.limits.max_frame_bytes)? else {
            return Ok(None);
        };
        self.message_opcode(frame.opcode)?;
        let limit_bytes = self.limits.max_message_bytes;
        let so_far = if self.open.is_some() { self.message.len() } else { 0 };
        let size_bytes = so_far.saturating_add(frame.payload_bytes);
        if !frame.opcode.is_control() && size_bytes > limit_bytes {
            return Err(Error::MessageTooLong { size_bytes, limit_bytes });
        }
        Ok(Some(frame))
    }

    /// What a frame with `opcode` is or belongs to.
    const fn message_opcode(&self, opcode: Opcode) -> Result<Opcode, Error> {
        match (opcode, self.open) {
            (Opcode::Continuation, Some(open)) => Ok(open),
            (Opcode::Continuation, None) => Err(Error::NothingToContinue),
            (Opcode::Text | Opcode::Binary, Some(_)) => Err(Error::MessageNotFinished),
            (opcode, _) => Ok(opcode),
        }
    }

    /// Adds a fragment to the message, or begins one with it.
    fn append(&mut self, opcode: Opcode, frame: &Frame, payload: Payload<'_>) {
        if self.open.is_none() {
            self.message.clear();
            self.open = Some(opcode);
        }
        match payload {
            Payload::Input(payload) => self.message.extend_from_slice(payload),
            Payload::Held => self.message.extend_from_slice(&self.held[frame.header_bytes..]),
            Payload::Message => {}
        }
        self.message_header_bytes += frame.header_bytes;
    }

    /// Moves up to `missing` bytes over from `input`.
    fn hold(&mut self, missing: usize, input: &mut &[u8]) {
        let (part, rest) = input.split_at(missing.min(input.len()));
        self.held.extend_from_slice(part);
        self.pending += part.len();
        *input = rest;
    }
}
