//! The driver: asks again at once.

use std::time::Duration;

use crate::{
    Driver, Target,
    poll_client::{Manner, Pace, Poller},
};

/// How long the server is asked to hold a request: the contract's default.
pub(super) const HOLD: Duration = Duration::from_secs(25);

pub(super) fn driver(target: Target) -> Box<dyn Driver> {
    let query = format!("wait={}", wire::duration::format(HOLD));
    Box::new(Poller::new(target, Manner { path: "long-polling", query, pace: Pace::AtOnce { hold: HOLD } }))
}
