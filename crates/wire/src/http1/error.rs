//! What the other end can do wrong.

/// A stream that is not HTTP/1.1 as this client reads it. Nothing can be read after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A line of a head, a chunk or a trailer that does not end with CR LF, or has a CR elsewhere.
    #[error("a line does not end with CR LF")]
    LineEnding,
    /// A head over the reader's limit; interim responses before it count with it.
    #[error("a head is longer than {limit_bytes} bytes")]
    HeadTooLong {
        /// The longest head taken.
        limit_bytes: usize,
    },
    /// Something that is not the head of a message (sections 3 to 5).
    #[error("not the head of a message: {0}")]
    Head(httparse::Error),
    /// An empty line where a status line or a request line belongs.
    #[error("a head without a first line")]
    NoFirstLine,
    /// A length that is no number, does not fit into 64 bits, or is given twice with different values.
    #[error("the content length is not one number")]
    ContentLength,
    /// A transfer coding other than `chunked`, or any at all in HTTP/1.0.
    #[error("the transfer coding is not chunked")]
    TransferEncoding,
    /// Both a length and a transfer coding, which is how messages are smuggled (section 6.3).
    #[error("both a content length and a transfer coding")]
    LengthAndCoding,
    /// A chunk that does not begin with a hexadecimal number, or not with an extension after it.
    #[error("a chunk has no size")]
    ChunkSize,
    /// A chunk whose size does not fit into 64 bits.
    #[error("the size of a chunk does not fit into 64 bits")]
    ChunkSizeOverflow,
    /// A chunk that goes on after the size it announced.
    #[error("a chunk is longer than its size")]
    ChunkEnd,
    /// A chunk's first line or a trailer field over the reader's limit.
    #[error("a line of the chunked coding is longer than {limit_bytes} bytes")]
    LineTooLong {
        /// The longest line taken.
        limit_bytes: usize,
    },
    /// The stream ended inside a message.
    #[error("the stream ended inside a message")]
    Truncated,
}
