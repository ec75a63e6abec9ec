//! The mistakes that benchmarks of this kind make, and what this run did about each, in the words of its own record.
//!
//! Grouped and numbered as `docs/PITFALLS.md` has them, which also says where the program does it. An entry is left out where
//! the run could not make the mistake: a run that publishes nothing has no late publisher.

mod load;
mod machine;
mod network;
mod statistics;

use crate::{charts::Input, dataset::Lane, numbers::float, summary::LaneSummary};

/// Entries that belong together.
#[derive(Debug)]
pub(crate) struct Theme {
    /// Its heading.
    pub(crate) title: &'static str,
    /// In the order of `docs/PITFALLS.md`; those that it does not number come last.
    pub(crate) entries: Vec<Pitfall>,
}

/// One mistake.
#[derive(Debug)]
pub(crate) struct Pitfall {
    /// Its row in `docs/PITFALLS.md`; none where the mistake is one of runs, not of programs.
    pub(crate) number: Option<u8>,
    /// What goes wrong.
    pub(crate) name: &'static str,
    /// Whether it is dealt with.
    pub(crate) handled: Handled,
    /// How, with this run's own values.
    pub(crate) how: String,
}

/// How far this run dealt with a mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handled {
    /// It cannot mislead a reader of this page.
    Yes,
    /// The sentence says what is missing.
    Partly,
    /// It can.
    No,
}

impl Handled {
    /// As the page says it.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Yes => "handled",
            Self::Partly => "in part",
            Self::No => "not handled",
        }
    }

    /// Its class in the page's style.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Partly => "partly",
            Self::No => "no",
        }
    }

    const fn when(yes: bool, otherwise: Self) -> Self {
        if yes { Self::Yes } else { otherwise }
    }
}

/// All that the record can answer for.
pub(crate) fn pitfalls(run: Input<'_>) -> Vec<Theme> {
    let themes = [
        ("Load and time", load::entries(run)),
        ("Statistics", statistics::entries(run)),
        ("Network and protocol", network::entries(run)),
        ("Generator and server", machine::entries(run)),
    ];
    themes.into_iter().map(|(title, entries)| Theme { title, entries }).collect()
}

/// How many entries there are of each kind, in words.
pub(crate) fn tally(themes: &[Theme]) -> String {
    let count = |handled| themes.iter().flat_map(|theme| &theme.entries).filter(|e| e.handled == handled).count();
    let [yes, partly, no] = [Handled::Yes, Handled::Partly, Handled::No].map(count);
    format!("{yes} handled, {partly} in part, {no} not")
}

fn entry(number: impl Into<Option<u8>>, name: &'static str, handled: Handled, how: impl Into<String>) -> Pitfall {
    Pitfall { number: number.into(), name, handled, how: how.into() }
}

/// The largest value of any lane, and the lane's title.
fn worst<'a>(run: Input<'a>, value: impl Fn(&'a LaneSummary) -> Option<f64>) -> Option<(f64, String)> {
    let of = |lane: &'a Lane| Some((value(run.summary.lane(&lane.info.lane)?)?, lane.label()));
    run.data.lanes.iter().filter_map(of).max_by(|a, b| a.0.total_cmp(&b.0))
}

/// The same of nanoseconds.
fn worst_ns<'a>(run: Input<'a>, value: impl Fn(&'a LaneSummary) -> Option<u64>) -> Option<(f64, String)> {
    worst(run, |lane| value(lane).map(float))
}

/// `one cell`, `6 cells`.
fn some(n: u64, one: &str) -> String {
    if n == 1 { format!("one {one}") } else { format!("{} {one}s", crate::numbers::count(n)) }
}
