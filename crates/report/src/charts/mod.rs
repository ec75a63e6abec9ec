//! The figures: plotters draws SVG, `common` gives it the look. Every figure has a wide and a narrow form, the page shows
//! the one that fits, and a table with the same numbers.

mod bars;
mod bytes;
mod common;
mod cpu;
mod differences;
mod distribution;
mod frame;
mod heat;
mod latency;
mod ledger;
mod memory;
mod pareto;
mod places;
mod rate;
mod requests;
mod spells;
mod spread;

pub(crate) use memory::ID as MEMORY_FIGURE;
use std::io;

use plotters::drawing::DrawingAreaErrorKind;

use crate::{dataset::Dataset, summary::Summary, verdict::Verdict, view::TableView};

/// Why a figure could not be drawn.
pub(crate) type DrawError = DrawingAreaErrorKind<io::Error>;

/// One figure, ready for the page.
#[derive(Debug)]
pub(crate) struct Figure {
    /// The anchor.
    pub(crate) id: &'static str,
    /// The question.
    pub(crate) title: &'static str,
    /// The sentence that answers it.
    pub(crate) answer: String,
    /// SVG for 600 px and more.
    pub(crate) wide: String,
    /// SVG for phones.
    pub(crate) narrow: String,
    /// How to read it, and what it leaves out.
    pub(crate) note: String,
    /// The same numbers.
    pub(crate) table: TableView,
}

/// What every figure is drawn from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'a> {
    /// The run.
    pub(crate) data: &'a Dataset,
    /// Its numbers.
    pub(crate) summary: &'a Summary,
    /// Whether they hold.
    pub(crate) verdict: &'a Verdict,
}

impl<'a> Input<'a> {
    /// For the sentences.
    const fn parts(self) -> (&'a Dataset, &'a Summary, &'a Verdict) {
        (self.data, self.summary, self.verdict)
    }
}

/// The figures of a run by section; a section without data has none.
#[derive(Debug)]
pub(crate) struct Figures {
    /// Paired ratios between lanes.
    pub(crate) differences: Vec<Figure>,
    /// The delay: quantiles, spread, over time, over subscribers.
    pub(crate) latency: Vec<Figure>,
    /// Stream bytes and requests.
    pub(crate) bytes: Vec<Figure>,
    /// CPU and memory beside the floor.
    pub(crate) cost: Vec<Figure>,
    /// What became of every delivery.
    pub(crate) reliability: Vec<Figure>,
    /// What an option of a lane trades for what.
    pub(crate) sensitivity: Vec<Figure>,
}

impl Figures {
    /// Draws all figures that the run has data for.
    pub(crate) fn draw(input: Input<'_>) -> Result<Self, DrawError> {
        let drawn = |figures: Vec<Option<Figure>>| figures.into_iter().flatten().collect();
        Ok(Self {
            differences: drawn(vec![differences::figure(input)?]),
            latency: drawn(vec![
                latency::figure(input)?,
                distribution::figure(input)?,
                heat::figure(input)?,
                spread::figure(input)?,
            ]),
            bytes: drawn(vec![bytes::figure(input)?, rate::figure(input)?, requests::figure(input)?]),
            cost: drawn(vec![cpu::figure(input)?, memory::figure(input)?]),
            reliability: drawn(vec![ledger::figure(input)?]),
            sensitivity: drawn(vec![pareto::figure(input)?]),
        })
    }
}
