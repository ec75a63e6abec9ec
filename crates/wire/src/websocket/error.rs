//! What a peer can do wrong.

/// A stream that is not WebSocket as RFC 6455 has it, or more of it than is taken. Nothing can be read after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A reserved bit is set and no extension was agreed on (section 5.2).
    #[error("reserved bits are set")]
    ReservedBits,
    /// An opcode that section 5.2 leaves undefined.
    #[error("unknown opcode {0:#x}")]
    UnknownOpcode(u8),
    /// A client's frame without a mask (section 5.1).
    #[error("a frame from a client is not masked")]
    Unmasked,
    /// A server's frame with a mask (section 5.1).
    #[error("a frame from a server is masked")]
    Masked,
    /// A length in more bytes than it needs (section 5.2).
    #[error("a length of {0} is not in its shortest form")]
    LengthNotMinimal(u64),
    /// A length of 2^63 bytes or more (section 5.2).
    #[error("the top bit of a length is set")]
    LengthTopBit,
    /// A control frame in fragments (section 5.5).
    #[error("a control frame is fragmented")]
    ControlFragmented,
    /// A control frame over 125 bytes (section 5.5).
    #[error("a control frame is longer than 125 bytes")]
    ControlTooLong,
    /// A continuation frame outside a message (section 5.4).
    #[error("a continuation frame continues nothing")]
    NothingToContinue,
    /// A new message before the last fragment of the one before (section 5.4).
    #[error("a message begins inside another")]
    MessageNotFinished,
    /// A close frame with a payload of one byte (section 5.5.1).
    #[error("a close frame has half a code")]
    CloseTooShort,
    /// A close code that must not be sent (section 7.4).
    #[error("close code {0} must not be sent")]
    CloseCode(u16),
    /// Bytes after a close frame (section 5.5.1).
    #[error("bytes follow a close frame")]
    AfterClose,
    /// A text message or a close reason that is not UTF-8 (section 8.1).
    #[error("text is not UTF-8")]
    NotUtf8,
    /// A frame over the reader's limit.
    #[error("a frame of {size_bytes} bytes was announced, the limit is {limit_bytes}")]
    FrameTooLong {
        /// The payload that was announced.
        size_bytes: u64,
        /// The longest payload taken.
        limit_bytes: usize,
    },
    /// A message over the reader's limit.
    #[error("a message of at least {size_bytes} bytes was announced, the limit is {limit_bytes}")]
    MessageTooLong {
        /// The payloads of all fragments up to and with the one just announced.
        size_bytes: usize,
        /// The longest message taken.
        limit_bytes: usize,
    },
}

impl Error {
    /// The close code to answer with: 1007 for text that is none, 1009 for too much, 1002 for the rest.
    pub const fn close_code(self) -> u16 {
        match self {
            Self::NotUtf8 => 1007,
            Self::FrameTooLong { .. } | Self::MessageTooLong { .. } => 1009,
            Self::ReservedBits
            | Self::UnknownOpcode(_)
            | Self::Unmasked
            | Self::Masked
            | Self::LengthNotMinimal(_)
            | Self::LengthTopBit
            | Self::ControlFragmented
            | Self::ControlTooLong
            | Self::NothingToContinue
            | Self::MessageNotFinished
            | Self::CloseTooShort
            | Self::CloseCode(_)
            | Self::AfterClose => 1002,
        }
    }
}
