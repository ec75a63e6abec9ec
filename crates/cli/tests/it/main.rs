//! Tests of the whole: the binary as its users meet it, and the rules of the tree.
// Always true here; it tells clippy that helpers beside the tests may unwrap too.
#![cfg(test)]

mod tidy;
