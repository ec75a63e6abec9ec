//! One frame: opcode, header both ways, mask (RFC 6455, sections 5.2 and 5.3).

use super::{Error, Role};

/// The longest payload of a control frame (section 5.5).
pub const MAX_CONTROL_PAYLOAD_BYTES: usize = 125;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;
/// In place of a length: it follows in two bytes.
const LENGTH_16: u8 = 0x7E;
/// In place of a length: it follows in eight bytes.
const LENGTH_64: u8 = 0x7F;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// The next fragment of a message.
    Continuation = 0x0,
    /// A text message, or the first fragment of one.
    Text = 0x1,
    /// A binary message, or the first fragment of one.
    Binary = 0x2,
    /// The end of this direction.
    Close = 0x8,
    /// To be answered by a pong with the same payload.
    Ping = 0x9,
    /// Answers a ping, or just shows life.
    Pong = 0xA,
}

impl Opcode {
    const fn from_bits(bits: u8) -> Result<Self, Error> {
        match bits {
            0x0 => Ok(Self::Continuation),
            0x1 => Ok(Self::Text),
            0x2 => Ok(Self::Binary),
            0x8 => Ok(Self::Close),
            0x9 => Ok(Self::Ping),
            0xA => Ok(Self::Pong),
            unknown => Err(Error::UnknownOpcode(unknown)),
        }
    }

    pub(super) const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// Bytes before a payload: 2, 4 from 126 bytes on or 10 from 64 KiB on, and 4 more for a mask.
pub const fn header_len(payload_len: usize, masked: bool) -> usize {
    let mask = if masked { 4 } else { 0 };
    mask + match payload_len {
        0..=125 => 2,
        126..=0xFFFF => 4,
        _ => 10,
    }
}

/// Appends one unfragmented frame to `out`. A client masks with four unpredictable bytes, a server does not mask.
///
/// Writes what it is told: that control payloads stay within [`MAX_CONTROL_PAYLOAD_BYTES`] and texts are UTF-8 is up
/// to the caller.
pub fn encode(opcode: Opcode, payload: &[u8], mask: Option<[u8; 4]>, out: &mut Vec<u8>) {
    encode_fragment(opcode, true, payload, mask, out);
}

/// Appends one frame to `out`, as [`encode`] does. `last` says that no continuation follows.
pub fn encode_fragment(opcode: Opcode, last: bool, payload: &[u8], mask: Option<[u8; 4]>, out: &mut Vec<u8>) {
    out.reserve(header_len(payload.len(), mask.is_some()) + payload.len());
    let masked = if mask.is_some() { MASKED } else { 0 };
    let length = (payload.len() as u64).to_be_bytes();
    out.push(opcode as u8 | if last { FIN } else { 0 });
    match payload.len() {
        0..=125 => out.push(masked | length[7]),
        126..=0xFFFF => out.extend_from_slice(&[masked | LENGTH_16, length[6], length[7]]),
        _ => {
            out.push(masked | LENGTH_64);
            out.extend_from_slice(&length);
        }
    }
    out.extend_from_slice(mask.as_ref().map_or(&[], |mask| mask.as_slice()));
    let start = out.len();
    out.extend_from_slice(payload);
    if let Some(mask) = mask {
        apply_mask(&mut out[start..], mask);
    }
}

/// Appends a close frame to `out`. A `reason` over 123 bytes is cut at a character's end, for it is meant for people.
///
/// Whether `code` may be sent (section 7.4) is up to the caller; a close frame without a code is an empty payload
/// given to [`encode`].
pub fn encode_close(code: u16, reason: &str, mask: Option<[u8; 4]>, out: &mut Vec<u8>) {
    let fits = reason.floor_char_boundary(MAX_CONTROL_PAYLOAD_BYTES - 2);
    let payload = [&code.to_be_bytes(), &reason.as_bytes()[..fits]].concat();
    encode(Opcode::Close, &payload, mask, out);
}

/// Masks or unmasks a whole payload, which is the same (section 5.3).
pub(super) fn apply_mask(payload: &mut [u8], mask: [u8; 4]) {
    for word in payload.chunks_mut(mask.len()) {
        for (byte, key) in word.iter_mut().zip(mask) {
            *byte ^= key;
        }
    }
}

/// A frame, as its header describes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) opcode: Opcode,
    pub(super) last: bool,
    pub(super) mask: Option<[u8; 4]>,
    pub(super) header_bytes: usize,
    pub(super) payload_bytes: usize,
}

impl Frame {
    /// Reads the header that `bytes` begin with; none when it is not all there.
    ///
    /// Checks run in the order of the bytes, so the error of a stream does not depend on where it was split.
    pub(super) fn decode(bytes: &[u8], from: Role, limit_bytes: usize) -> Result<Option<Self>, Error> {
        let Some((&[first, second], rest)) = bytes.split_first_chunk::<2>() else { return Ok(None) };
        if first & RESERVED != 0 {
            return Err(Error::ReservedBits);
        }
        let opcode = Opcode::from_bits(first & 0x0F)?;
        let last = first & FIN != 0;
        let masked = second & MASKED != 0;
        match from {
            Role::Client if !masked => return Err(Error::Unmasked),
            Role::Server if masked => return Err(Error::Masked),
            Role::Client | Role::Server => {}
        }
        let short = second & !MASKED;
        if opcode.is_control() && !last {
            return Err(Error::ControlFragmented);
        }
        if opcode.is_control() && usize::from(short) > MAX_CONTROL_PAYLOAD_BYTES {
            return Err(Error::ControlTooLong);
        }
        let Some((size_bytes, rest)) = decode_length(short, rest)? else { return Ok(None) };
        let payload_bytes = usize::try_from(size_bytes)
            .ok()
            .filter(|&size| size <= limit_bytes)
            .ok_or(Error::FrameTooLong { size_bytes, limit_bytes })?;
        let mask = rest.first_chunk::<4>().copied().filter(|_| masked);
        if masked && mask.is_none() {
            return Ok(None);
        }
        let header_bytes = header_len(payload_bytes, masked);
        Ok(Some(Self { opcode, last, mask, header_bytes, payload_bytes }))
    }

    pub(super) const fn wire_bytes(&self) -> usize {
        self.header_bytes + self.payload_bytes
    }
}

/// The length that the seven bits `short` and the bytes after them say, and what follows it.
fn decode_length(short: u8, rest: &[u8]) -> Result<Option<(u64, &[u8])>, Error> {
    let (size_bytes, rest) = match short {
        LENGTH_16 => match rest.split_first_chunk() {
            Some((length, rest)) => (u64::from(u16::from_be_bytes(*length)), rest),
            None => return Ok(None),
        },
        LENGTH_64 => match rest.split_first_chunk() {
            Some((length, rest)) => (u64::from_be_bytes(*length), rest),
            None => return Ok(None),
        },
        _ => return Ok(Some((u64::from(short), rest))),
    };
    let least = if short == LENGTH_16 { 126 } else { 0x1_0000 };
    if size_bytes < least {
        return Err(Error::LengthNotMinimal(size_bytes));
    }
    if size_bytes >> 63 != 0 { Err(Error::LengthTopBit) } else { Ok(Some((size_bytes, rest))) }
}
