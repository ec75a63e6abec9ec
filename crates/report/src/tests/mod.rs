//! The report is tested on records made by hand.

mod answers;
mod calibrations;
mod claims;
mod comparisons;
mod datasets;
mod distances;
mod drifts;
mod environments;
mod exports;
mod fields;
mod figures;
mod figures_cost;
mod figures_latency;
mod fixture;
mod gates;
mod glossary;
mod index;
mod numbers;
mod pages;
mod pitfalls;
mod silent;
mod standalone;
mod summaries;
mod verdicts;
