//! The driver: asks by the clock.

use std::time::Duration;

use crate::{
    Driver, Target,
    poll_client::{Manner, Pace, Poller},
};

pub(super) fn driver(target: Target, interval: Duration) -> Box<dyn Driver> {
    let manner = Manner { path: "short-polling", query: String::new(), pace: Pace::Every(interval) };
    Box::new(Poller::new(target, manner))
}
