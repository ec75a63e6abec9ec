//! Tells the binary which commit it is built from, when there is a git to ask.

use std::process::Command;

fn main() {
    let described =
        Command::new("git").args(["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]).output();
    if let Ok(output) = described
        && output.status.success()
    {
        println!("cargo::rustc-env=FEEDBENCH_COMMIT={}", String::from_utf8_lossy(&output.stdout).trim());
    }
    // The index changes with every commit and every `git add`; the sources decide whether the tree is dirty.
    for path in ["../../.git/index", "../../.git/HEAD", "..", "../../scenarios", "../../web"] {
        println!("cargo::rerun-if-changed={path}");
    }
}
