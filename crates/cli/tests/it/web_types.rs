//! The page's scripts and the browser halves have the types that their comments say: TypeScript checks them, strictly.

use std::{path::Path, process::Command};

use crate::{programs::INSTALL, text};

#[test]
fn types_of_the_scripts_in_browsers_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = folder.join("tests/outsiders/node_modules/.bin/tsc");
    let project = folder.join("../../web/tsconfig.json");
    let checked = Command::new(program).arg("--listFiles").arg("--project").arg(project).output();
    let checked = checked.unwrap_or_else(|error| panic!("{error}: tsc {INSTALL}"));
    let said = text(&checked.stdout);
    assert!(checked.status.success(), "{said}");
    for spec in transport::ALL.iter().filter(|spec| spec.browser_module.is_some()) {
        let half = format!("/src/{}/browser.js", spec.id.replace('-', "_"));
        assert!(said.contains(&half), "{half} is not among\n{said}");
    }
    for script in ["app.js", "feed.js", "example.js"] {
        assert!(said.contains(&format!("/web/{script}")), "{script} is not among\n{said}");
    }
}
