//! Builds the server anew when a file of the page comes or goes: those that are there are known to be part of it.

fn main() {
    println!("cargo::rerun-if-changed=../../web");
}
