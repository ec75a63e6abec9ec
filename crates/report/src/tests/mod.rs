//! The report is tested on records made by hand.

mod answers;
mod datasets;
mod distances;
mod figures;
mod fixture;
mod gates;
mod numbers;
mod pages;
mod summaries;
mod verdicts;
