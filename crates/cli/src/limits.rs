//! The flags of the server's limits: one for each, and the same names in a TOML file.

use std::{fmt, str::FromStr, time::Duration};

use clap::Args;
use hub::Limits;
use serde::{Deserialize, Deserializer, de::Error as _};
use wire::duration;

/// A duration as it is written: `250ms`, `25s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

impl FromStr for Span {
    type Err = duration::DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        duration::parse(text).map(Self)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&duration::format(self.0))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Makes the flags, and lays what was given over a table of limits. The table is taken apart whole, so a limit without a
/// flag does not compile.
macro_rules! limit_args {
    ($($(#[doc = $help:literal])+ $name:ident: $type:ty = $into:expr;)+) => {
        /// Limits that were given; the others stay.
        #[derive(Debug, Clone, Default, Args, Deserialize)]
        #[command(next_help_heading = "Limits")]
        #[serde(default, deny_unknown_fields)]
        pub(crate) struct LimitArgs {
            $($(#[doc = $help])+ #[arg(long, value_name = "N", help = help($($help)+, stringify!($name)))] $name: Option<$type>,)+
        }

        impl LimitArgs {
            /// Lays what was given over `limits`.
            pub(crate) fn over(self, limits: Limits) -> Limits {
                // Not a number: a flag without a value, of its own.
                let Limits { $($name,)+ require_session } = limits;
                Limits { $($name: self.$name.map_or($name, $into),)+ require_session }
            }
        }

        /// The default of a limit, as it would be written.
        fn default_of(name: &str) -> String {
            let Limits { $($name,)+ require_session: _ } = Limits::default();
            match name {
                $(stringify!($name) => Written::written(&$name),)+
                _ => String::new(),
            }
        }
    };
}

/// How a default is shown.
trait Written {
    fn written(&self) -> String;
}

impl Written for Duration {
    fn written(&self) -> String {
        duration::format(*self)
    }
}

impl Written for usize {
    fn written(&self) -> String {
        self.to_string()
    }
}

impl Written for Option<usize> {
    fn written(&self) -> String {
        self.map_or("2 x data-bytes + 4096".to_owned(), |n| n.to_string())
    }
}

impl Written for u32 {
    fn written(&self) -> String {
        self.to_string()
    }
}

fn help(text: &str, name: &str) -> String {
    format!("{} [default: {}]", text.trim(), default_of(name))
}

limit_args! {
    /// Largest data of a publication, in bytes
    data_bytes: usize = |n| n;
    /// Publications that a room holds
    ring_items: usize = |n| n;
    /// Bytes of publications that a room holds
    ring_bytes: usize = |n| n;
    /// Publications in one answer or batch
    reply_items: usize = |n| n;
    /// Bytes in one answer or batch
    reply_bytes: usize = |n| n;
    /// Rooms at a time
    rooms: usize = |n| n;
    /// How long a room without subscribers and publications is kept
    idle_room: Span = |span| span.0;
    /// How often a silent stream shows that it lives
    heartbeat: Span = |span| span.0;
    /// How long a client has to answer a heartbeat
    answer_within: Span = |span| span.0;
    /// How long a connection may accept no byte before it is cut
    slow_writer: Span = |span| span.0;
    /// Unsent bytes that a connection's buffer takes
    send_backlog_bytes: u32 = |n| n;
    /// How long a new connection may say nothing
    first_byte: Span = |span| span.0;
    /// How long a request's head may take, and a kept connection may be idle
    head: Span = |span| span.0;
    /// How long a request's body may take
    body: Span = |span| span.0;
    /// How long sent bytes may stay unacknowledged before a connection is cut
    user_timeout: Span = |span| span.0;
    /// Over how long the ends of a drain are spread
    drain_spread: Span = |span| span.0;
    /// How long a drain may take
    drain: Span = |span| span.0;
    /// When pollers and those sent away are asked to come back
    retry_after: Span = |span| span.0;
    /// How long a request may ask to be held
    max_hold: Span = |span| span.0;
    /// How long a request is held that does not say
    hold: Span = |span| span.0;
    /// Largest message or payload from a client, in bytes
    max_payload: usize = Some;
    /// Sessions at a time that live in requests
    sessions: usize = |n| n;
    /// Feeds that one session may subscribe to
    session_rooms: usize = |n| n;
    /// How long a new session has to enter a namespace
    connect_within: Span = |span| span.0;
    /// Connections that a named session may have; 0 for no limit
    session_connections: usize = |n| n;
    /// Publications a second that a named session may make; 0 for no limit
    publish_limit: u32 = |n| n;
    /// Of them how many at once
    publish_burst: u32 = |n| n;
    /// How long the key of a publish is known
    key_life: Span = |span| span.0;
    /// Keys that a room knows of one caller
    keys: usize = |n| n;
    /// Ended sessions that are remembered
    ended_sessions: usize = |n| n;
    /// Connections that may wait to be accepted
    listen_backlog: u32 = |n| n;
}
