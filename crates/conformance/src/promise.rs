//! The table of promises: the feed contract, one row a sentence.

use futures_util::future::BoxFuture;

use crate::{checks, outcome::Checked, trial::Trial};

/// One promise of the feed contract.
#[derive(Debug)]
pub struct Promise {
    /// Its stable name.
    pub name: &'static str,
    /// What is promised, in one sentence.
    pub what: &'static str,
    pub(crate) turn: Turn,
    pub(crate) check: Check,
}

/// When a promise is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Beside others.
    Any,
    /// When nothing else loads the machine, because it is about time.
    Quiet,
    /// After everything else, because no server is left then.
    Last,
}

/// How a promise is checked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Check {
    /// Lane by lane.
    Each(fn(Trial) -> BoxFuture<'static, Checked>),
    /// Once, on all lanes together: gives one outcome a lane, in their order.
    Together(fn(Trial) -> BoxFuture<'static, Checked<Vec<Checked>>>),
}

/// A name that no promise has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no promise {name:?}; there are {known}")]
pub struct UnknownPromise {
    name: String,
    known: String,
}

impl Promise {
    /// The promise of this name.
    ///
    /// # Errors
    ///
    /// [`UnknownPromise`], whose text names what there is.
    pub fn find(name: &str) -> Result<&'static Self, UnknownPromise> {
        PROMISES.iter().find(|promise| promise.name == name).ok_or_else(|| UnknownPromise {
            name: name.to_owned(),
            known: PROMISES.iter().map(|promise| promise.name).collect::<Vec<_>>().join(", "),
        })
    }

    const fn new(name: &'static str, what: &'static str, turn: Turn, check: Check) -> Self {
        Self { name, what, turn, check }
    }
}

/// Every promise that is checked, in the order of reports.
pub const PROMISES: &[Promise] = &[
    Promise::new(
        "delivers_in_order",
        "No publication comes after one of a higher offset, one by one and in batches.",
        Turn::Any,
        Check::Each(|trial| Box::pin(checks::order::delivers_in_order(trial))),
    ),
    Promise::new(
        "delivers_each_once",
        "Every publication comes, and comes once, one by one and in batches.",
        Turn::Any,
        Check::Each(|trial| Box::pin(checks::order::delivers_each_once(trial))),
    ),
    Promise::new(
        "nothing_between_hello_and_first",
        "What is published after the first position, however soon, is delivered.",
        Turn::Any,
        Check::Each(|trial| Box::pin(checks::order::nothing_between_hello_and_first(trial))),
    ),
    Promise::new(
        "resumes_after_cut",
        "Who was cut off goes on from the last position, with nothing missing and nothing twice.",
        Turn::Any,
        Check::Each(|trial| Box::pin(checks::resume::resumes_after_cut(trial))),
    ),
    Promise::new(
        "switches_transport_without_loss",
        "A position from any other lane is a position on this one.",
        Turn::Any,
        Check::Each(|trial| Box::pin(checks::resume::switches_transport_without_loss(trial))),
    ),
    Promise::new(
        "tells_of_gaps",
        "Publications that are not delivered are told by one gap with exact numbers: trimmed before, or missed by slowness.",
        Turn::Any,
        Check::Each(|trial| Box::pin(checks::gaps::tells_of_gaps(trial))),
    ),
    Promise::new(
        "rejects_foreign_epoch_with_gap",
        "A position of another history gets one gap of reason epoch, then everything held.",
        Turn::Any,
        Check::Each(|trial| Box::pin(checks::gaps::rejects_foreign_epoch_with_gap(trial))),
    ),
    Promise::new(
        "acks_carry_positions",
        "An ack says at which position the publication came.",
        Turn::Any,
        Check::Each(|trial| Box::pin(checks::uplinks::acks_carry_positions(trial))),
    ),
    Promise::new(
        "retries_do_not_double",
        "A publish that is sent again with its key is published once, also when its answer was lost on the way.",
        Turn::Any,
        Check::Each(|trial| Box::pin(checks::uplinks::retries_do_not_double(trial))),
    ),
    Promise::new(
        "echo_false_skips_the_sender",
        "With `echo: false` no connection of the sender's session gets the publication, on any lane, and all others do.",
        Turn::Any,
        Check::Together(|trial| Box::pin(checks::audience::echo_false_skips_the_sender(trial))),
    ),
    Promise::new(
        "direct_reaches_only_its_target",
        "A direct publication comes to its target and its sender and to nobody else, on replay too.",
        Turn::Any,
        Check::Each(|trial| Box::pin(checks::audience::direct_reaches_only_its_target(trial))),
    ),
    Promise::new(
        "presence_sees_every_lane",
        "A named session is listed with its transport, and its coming and going are announced once.",
        Turn::Quiet,
        Check::Each(|trial| Box::pin(checks::presence::presence_sees_every_lane(trial))),
    ),
    Promise::new(
        "namespaces_do_not_leak",
        "Rooms of one name in two namespaces are two rooms.",
        Turn::Any,
        Check::Each(|trial| Box::pin(checks::audience::namespaces_do_not_leak(trial))),
    ),
    Promise::new(
        "payloads_survive",
        "The source text of `data` arrives byte for byte.",
        Turn::Any,
        Check::Each(|trial| Box::pin(checks::payloads::payloads_survive(trial))),
    ),
    Promise::new(
        "many_subscribers_agree",
        "Two hundred subscribers of one room, mixed over all lanes, read the same JSON texts in the same order.",
        Turn::Any,
        Check::Together(|trial| Box::pin(checks::crowd::many_subscribers_agree(trial))),
    ),
    Promise::new(
        "slow_reader_does_not_slow_others",
        "A reader that stalls takes nothing from the others.",
        Turn::Any,
        Check::Each(|trial| Box::pin(checks::slow::slow_reader_does_not_slow_others(trial))),
    ),
    Promise::new(
        "oversize_is_refused",
        "A publication over 64 KiB is refused, and the server goes on.",
        Turn::Any,
        Check::Each(|trial| Box::pin(checks::payloads::oversize_is_refused(trial))),
    ),
    Promise::new(
        "origin_rules_hold",
        "Pages of other origins can neither read nor write.",
        Turn::Any,
        Check::Each(|trial| Box::pin(checks::origin::origin_rules_hold(trial))),
    ),
    Promise::new(
        "bad_input_is_answered",
        "What nobody should send gets a clear error, and the server goes on.",
        Turn::Any,
        Check::Each(|trial| Box::pin(checks::bad_input::bad_input_is_answered(trial))),
    ),
    Promise::new(
        "half_open_and_dribbled_bytes",
        "Bytes that come one by one say the same, and half a connection is served or ended, never kept in silence.",
        Turn::Any,
        Check::Each(|trial| Box::pin(checks::network::half_open_and_dribbled_bytes(trial))),
    ),
    Promise::new(
        "dead_client_is_noticed",
        "A subscriber that is gone is no longer counted.",
        Turn::Quiet,
        Check::Each(|trial| Box::pin(checks::liveness::dead_client_is_noticed(trial))),
    ),
    Promise::new(
        "dead_server_is_noticed",
        "A silent server shows that it lives, so that a dead one is told from it.",
        Turn::Quiet,
        Check::Each(|trial| Box::pin(checks::liveness::dead_server_is_noticed(trial))),
    ),
    Promise::new(
        "server_drain_is_announced",
        "A server that goes down says so to every subscriber, with a code that says to come back, and takes nobody new.",
        Turn::Last,
        Check::Together(|trial| Box::pin(checks::drain::server_drain_is_announced(trial))),
    ),
];
