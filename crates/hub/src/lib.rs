//! Rooms in namespaces, each with a ring of publications; one read serves every subscriber.
//!
//! | file | holds |
//! |---|---|
//! | [`limits`] | every limit of the server and its default |
//! | [`ring`] | what one room holds: publications, how they are trimmed, what a read finds |
//! | [`room`] | the ring behind a lock, and waiting for what comes |
//! | [`session`] | who subscribes and publishes, and what a named session may take up |
//! | [`presence`] | which named sessions are in a room |
//! | `keys` | the keys of publishes that are tried again |
//! | [`subscription`] | a place in a room that moves on with every batch |
//! | [`hub`] | all rooms, publishing, sweeping, and the announced end |
//!
//! A subscriber that is slow costs a position, never a queue: what it did not read in time is trimmed from the ring,
//! and it is told so by exactly one gap.

pub mod hub;
mod keys;
pub mod limits;
pub mod presence;
pub mod ring;
pub mod room;
pub mod session;
pub mod subscription;

pub use hub::{Counts, Hub, HubError, PublishError, RoomInfo};
pub use limits::{Limits, LimitsError};
pub use presence::{Manner, Present};
pub use ring::{Audience, Batch, FORMS, ReadLimit, Stored};
pub use room::{Attendance, Room, Wait};
pub use session::{Caller, Connected, SessionError, Sessions};
pub use subscription::Subscription;

#[cfg(test)]
mod tests;
