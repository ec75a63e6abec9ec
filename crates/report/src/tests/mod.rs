//! The report is tested on records made by hand.

mod answers;
mod calibrations;
mod claims;
mod datasets;
mod distances;
mod drifts;
mod environments;
mod fields;
mod figures;
mod fixture;
mod gates;
mod numbers;
mod pages;
mod silent;
mod summaries;
mod verdicts;
