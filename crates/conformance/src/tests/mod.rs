//! Tests of what is pure. The promises themselves are tested in the binary's tests, against servers that keep and break them.

mod client;
mod compare;
mod report;
mod spoiler;
