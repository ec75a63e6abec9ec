//! The names of a feed: namespace, room, event; what is allowed and what is reserved.

use std::{fmt, str::FromStr, sync::Arc};

/// The longest namespace, room or event name, in bytes.
pub const MAX_NAME_BYTES: usize = 64;

/// The longest idempotency key, in bytes: two UUIDs and what joins them.
pub const MAX_KEY_BYTES: usize = 128;

/// The event under which the server announces that a named session has come.
pub const JOIN: &str = "join";

/// The event under which the server announces that a named session has gone.
pub const LEAVE: &str = "leave";

/// Event names that control items and Socket.IO itself use; publishing under one is refused.
pub const RESERVED_EVENTS: [&str; 16] = [
    "hello",
    "gap",
    "close",
    "ack",
    "error",
    "open",
    "heartbeat",
    JOIN,
    LEAVE,
    "direct",
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
];

/// Why a name is refused. The text says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A namespace or room with other characters or of another length.
    #[error("the {0} must be 1 to {MAX_NAME_BYTES} characters out of A-Z a-z 0-9 . _ -")]
    Feed(&'static str),
    /// An event name that is empty, too long or holds control characters.
    #[error("the event must be 1 to {MAX_NAME_BYTES} bytes of UTF-8 without control characters")]
    Event,
    /// The name of a session that is empty, too long or holds control characters.
    #[error(
        "the name must be 1 to {MAX_NAME_BYTES} bytes of UTF-8 without control characters, and not only white space"
    )]
    Session,
    /// The key of a publish that is empty, too long or not plain.
    #[error("the idempotency key must be 1 to {MAX_KEY_BYTES} printable ASCII characters")]
    Key,
    /// An event name that has a meaning of its own.
    #[error("the event name {0:?} is reserved; choose another")]
    Reserved(String),
}

/// A namespace and a room in it: the two names that together name a feed. Cheap to clone.
///
/// Its text form is `namespace/room`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomName {
    namespace: Arc<str>,
    room: Arc<str>,
}

impl RoomName {
    /// Checks both names.
    ///
    /// # Errors
    ///
    /// [`NameError::Feed`] for a name that is not `[A-Za-z0-9._-]{1,64}`.
    pub fn new(namespace: &str, room: &str) -> Result<Self, NameError> {
        check_feed("namespace", namespace)?;
        check_feed("room", room)?;
        Ok(Self { namespace: namespace.into(), room: room.into() })
    }

    /// The first name.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The second name.
    pub fn room(&self) -> &str {
        &self.room
    }
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.room)
    }
}

impl fmt::Debug for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RoomName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (namespace, room) = text.split_once('/').ok_or(NameError::Feed("room"))?;
        Self::new(namespace, room)
    }
}

/// Checks one half of a feed's name; `what` is how the error calls it.
///
/// # Errors
///
/// [`NameError::Feed`] unless `name` is `[A-Za-z0-9._-]{1,64}`.
pub fn check_feed(what: &'static str, name: &str) -> Result<(), NameError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if (1..=MAX_NAME_BYTES).contains(&name.len()) && name.bytes().all(allowed) {
        Ok(())
    } else {
        Err(NameError::Feed(what))
    }
}

/// Checks the event name of a publication that somebody wants to make.
///
/// # Errors
///
/// [`NameError::Event`] for its form, [`NameError::Reserved`] for its meaning.
pub fn check_event(event: &str) -> Result<(), NameError> {
    if !(1..=MAX_NAME_BYTES).contains(&event.len()) || event.chars().any(char::is_control) {
        return Err(NameError::Event);
    }
    if RESERVED_EVENTS.contains(&event) {
        return Err(NameError::Reserved(event.to_owned()));
    }
    Ok(())
}

/// Checks the key by which a publish that is tried again is known.
///
/// # Errors
///
/// [`NameError::Key`] unless it is 1 to 128 printable ASCII characters.
pub fn check_key(key: &str) -> Result<(), NameError> {
    let fits =
        (1..=MAX_KEY_BYTES).contains(&key.len()) && key.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if fits { Ok(()) } else { Err(NameError::Key) }
}
