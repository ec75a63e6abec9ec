//! `feedbench list`: lanes, scenarios and header profiles.

use std::fmt::Write as _;

use serde_json::json;
use transport::{OptionKind, OptionSpec, headers};
use wire::duration;

use crate::{
    Outcome,
    args::{Format, ListArgs},
    output,
};

pub(crate) fn run(args: &ListArgs) -> anyhow::Result<Outcome> {
    match args.format {
        Format::Json => output::text(&serde_json::to_string_pretty(&as_json())?),
        Format::Text => output::text(&as_text()?),
    }
    Ok(Outcome::Done)
}

/// Default, shortest and longest of an option.
fn bounds(option: &OptionSpec) -> [String; 3] {
    let OptionKind::Duration { default, min, max } = option.kind;
    [default, min, max].map(duration::format)
}

fn as_text() -> Result<String, std::fmt::Error> {
    let mut text = "lanes\n".to_owned();
    for spec in transport::ALL {
        writeln!(text, "  {:<16} {}", spec.id, spec.title)?;
        for option in spec.options {
            let [default, min, max] = bounds(option);
            writeln!(text, "    +{}={default}  {} ({min} to {max})", option.name, option.help)?;
        }
    }
    text.push_str("scenarios\n");
    for (name, _) in load::BUILT_IN {
        let question = load::Scenario::load(name, &[]).map(|scenario| scenario.question).unwrap_or_default();
        writeln!(text, "  {name:<16} {question}")?;
    }
    writeln!(text, "header profiles\n  {}", headers::names().collect::<Vec<_>>().join(", "))?;
    Ok(text)
}

fn as_json() -> serde_json::Value {
    let lanes: Vec<_> = transport::ALL
        .iter()
        .map(|spec| {
            let options: Vec<_> = spec
                .options
                .iter()
                .map(|option| {
                    let [default, min, max] = bounds(option);
                    json!({"name": option.name, "default": default, "min": min, "max": max, "help": option.help})
                })
                .collect();
            json!({"lane": spec.id, "title": spec.title, "options": options})
        })
        .collect();
    let scenarios: Vec<_> = load::BUILT_IN
        .iter()
        .filter_map(|(name, _)| load::Scenario::load(name, &[]).ok())
        .map(|scenario| json!({"name": scenario.name, "question": scenario.question}))
        .collect();
    json!({"lanes": lanes, "scenarios": scenarios, "headers": headers::names().collect::<Vec<_>>()})
}
