//! The gate model: how late a lane would be at a distance, if it asks again after every answer.
//!
//! Between an answer and the arrival of the next request the gate is closed, and what is published meanwhile waits for it.
//! On loopback that time is too short to be seen; over a network it is a round trip. Nothing here is measured: the model
//! takes two medians of the run and gives numbers that are labelled as computed. `docs/METHODOLOGY.md` has the formulas
//! and what they leave out.

use crate::{
    numbers::{float, whole},
    summary::Computed,
};

/// The round trip for which numbers are computed; the name of the member in `summary.json` says it too.
const RTT_NS: u64 = 50_000_000;
const NS_PER_S: f64 = 1e9;

/// A gate that closes with every answer and opens again with the request that follows.
///
/// What a report computes and what `feedbench calibrate` holds against a measurement are both this.
#[derive(Debug, Clone, Copy)]
pub struct Gate {
    closed_s: f64,
    cycle_s: f64,
}

impl Gate {
    /// The gate of one subscriber. `rate_hz` publications a second, more than none, arrive as a Poisson process. The gate is
    /// closed for `closed_s` after every answer: a round trip and the time to ask again. An answer comes at once with what
    /// was published meanwhile, otherwise with the next publication or after `hold_s` without one.
    pub fn new(rate_hz: f64, closed_s: f64, hold_s: f64) -> Self {
        let idle = (-rate_hz * closed_s).exp();
        let until_answer_s = -(-rate_hz * hold_s).exp_m1() / rate_hz;
        Self { closed_s, cycle_s: closed_s + idle * until_answer_s }
    }

    /// Requests of one subscriber, those included that end with nothing.
    pub fn requests_per_second(self) -> f64 {
        self.cycle_s.recip()
    }

    /// The share of publications that find the gate closed, 0 to 1.
    pub fn share_delayed(self) -> f64 {
        self.share_later_than(0.0)
    }

    /// The share of publications that wait longer than `wait_s` for the gate, 0 to 1.
    pub fn share_later_than(self, wait_s: f64) -> f64 {
        (self.closed_s - wait_s).max(0.0) / self.cycle_s
    }

    /// What a publication waits for the gate at `quantile`, in seconds: nothing, or up to the whole time that it is closed.
    pub fn wait_s(self, quantile: f64) -> f64 {
        let share = self.share_delayed();
        let beyond = quantile - (1.0 - share);
        if beyond <= 0.0 { 0.0 } else { self.closed_s * beyond / share }
    }
}

/// A lane at [`RTT_NS`], from its hold and its medians on loopback: the response time and the time from an answer to the
/// next request.
pub(crate) fn computed(rate_hz: f64, response_p50_ns: u64, rearm_p50_ns: u64, hold_ns: u64) -> Computed {
    let gate = Gate::new(rate_hz, float(RTT_NS + rearm_p50_ns) / NS_PER_S, float(hold_ns) / NS_PER_S);
    let delay_ns = |quantile| RTT_NS / 2 + response_p50_ns + whole((gate.wait_s(quantile) * NS_PER_S).round());
    Computed {
        rtt_ns: RTT_NS,
        p50_ns: delay_ns(0.5),
        p99_ns: delay_ns(0.99),
        requests_per_second: gate.requests_per_second(),
        share_delayed: gate.share_delayed(),
    }
}
