//! The figures: plotters draws SVG, `common` gives it the look. Every figure has a wide and a narrow form, the page shows
//! the one that fits, and a table with the same numbers.

mod bytes;
mod common;
mod cpu;
mod distribution;
mod latency;

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
    /// Quantiles and spread of the delay.
    pub(crate) latency: Vec<Figure>,
    /// The ledger of stream bytes.
    pub(crate) bytes: Vec<Figure>,
    /// CPU beside the floor.
    pub(crate) cpu: Vec<Figure>,
}

impl Figures {
    /// Draws all figures that the run has data for.
    pub(crate) fn draw(input: Input<'_>) -> Result<Self, DrawError> {
        let latency = [latency::figure(input)?, distribution::figure(input)?];
        Ok(Self {
            latency: latency.into_iter().flatten().collect(),
            bytes: bytes::figure(input)?.into_iter().collect(),
            cpu: cpu::figure(input)?.into_iter().collect(),
        })
    }
}
