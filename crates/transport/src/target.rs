//! What a driver subscribes to, and the URL it is reached by.

use std::net::{SocketAddr, ToSocketAddrs as _};

use measure::Mono;
use wire::{After, RoomName};

use crate::headers::Headers;

/// Why a URL cannot be a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not of the form that is understood.
    #[error("{0:?} is not a server's address: write http://HOST:PORT")]
    Form(String),
    /// The host has no address.
    #[error("{0:?} cannot be resolved to an address")]
    Resolve(String),
}

/// Where a server is: `http://host:port`, plain HTTP/1.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// What the `Host` header says.
    pub authority: String,
    /// Where connections go.
    pub address: SocketAddr,
}

impl Origin {
    /// Reads `http://host[:port]` and resolves the host; the port is 80 when missing.
    ///
    /// # Errors
    ///
    /// [`AddressError`] for another form or a host without address.
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        let form = || AddressError::Form(url.to_owned());
        let authority = url.strip_prefix("http://").ok_or_else(form)?.trim_end_matches('/');
        if authority.is_empty() || authority.contains(['/', '?', '#', '@', ' ']) {
            return Err(form());
        }
        let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let with_port = if has_port { authority.to_owned() } else { format!("{authority}:80") };
        let resolved = with_port.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
        let address = resolved.ok_or_else(|| AddressError::Resolve(url.to_owned()))?;
        Ok(Self { authority: authority.to_owned(), address })
    }
}

/// One subscription to make.
#[derive(Debug, Clone)]
pub struct Target {
    /// The server.
    pub origin: Origin,
    /// The feed.
    pub room: RoomName,
    /// Where to start.
    pub after: After,
    /// The heads to send.
    pub headers: Headers,
    /// Where the driver's random choices come from: mask keys, nonces.
    pub seed: u64,
    /// A driver that asks by the clock asks at this instant and whole intervals from it; without it, from its first answer.
    pub phase: Option<Mono>,
    /// False for an uplink alone, where the lane has one that stands by itself; others receive all the same.
    pub receive: bool,
}

impl Target {
    /// `/v1/{namespace}/{room}/{last}?after=..`, with what else the query needs.
    pub fn path(&self, last: &str, query: &str) -> String {
        let mut path = format!("/v1/{}/{}/{last}", self.room.namespace(), self.room.room());
        let after = match &self.after {
            After::Head => None,
            After::Earliest => Some("after=earliest".to_owned()),
            After::Position(position) => Some(format!("after={position}")),
        };
        let parts = after.iter().map(String::as_str).chain(Some(query).filter(|query| !query.is_empty()));
        for (index, part) in parts.enumerate() {
            path.push(if index == 0 { '?' } else { '&' });
            path.push_str(part);
        }
        path
    }
}
