//! Tells the generator which compiler it is built with: code that another one makes costs another time.

use std::process::Command;

fn main() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    if let Ok(output) = Command::new(rustc).arg("--version").output()
        && output.status.success()
    {
        println!("cargo::rustc-env=FEEDBENCH_RUSTC={}", String::from_utf8_lossy(&output.stdout).trim());
    }
    println!("cargo::rerun-if-changed=build.rs");
}
