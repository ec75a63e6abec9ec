//! The ruler on synthetic samples and hand-made instants. What needs a real server to be measured is in `calibrate`.

mod clock;
mod compare;
mod deliveries;
mod intervals;
mod ledger;
mod recorder;
mod schedule;
mod stall;
mod tcp_info;
