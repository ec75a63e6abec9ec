//! `feedbench list`: lanes, scenarios and header profiles.

use std::fmt::Write as _;

use serde_json::json;
use transport::{OptionKind, OptionSpec, headers, lane};
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

fn as_text() -> Result<String, std::fmt::Error> {
    let lanes: Vec<(String, String)> =
        lane::standard(transport::ALL).iter().map(|lane| (lane.to_string(), lane.title())).collect();
    let options = transport::ALL.iter().flat_map(|spec| spec.options.iter().map(|option| described(spec.id, option)));
    let scenario = |(name, _): &(&str, &str)| {
        let question = load::Scenario::load(name, &[]).map(|scenario| scenario.question);
        ((*name).to_owned(), question.unwrap_or_default())
    };
    let sections = [
        ("lanes", lanes),
        ("options of lanes", options.collect()),
        ("scenarios", load::BUILT_IN.iter().map(scenario).collect()),
    ];
    let width = sections.iter().flat_map(|(_, rows)| rows).map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (head, rows) in sections {
        writeln!(text, "{head}")?;
        for (name, words) in rows {
            writeln!(text, "  {name:<width$}  {words}")?;
        }
    }
    writeln!(text, "header profiles\n  {}", headers::names().collect::<Vec<_>>().join(", "))?;
    Ok(text)
}

/// An option as it is written, and what it means.
fn described(id: &str, option: &OptionSpec) -> (String, String) {
    let (name, help) = (option.name, option.help);
    match option.kind {
        OptionKind::Flag { excludes: [] } => (format!("{id}+{name}"), help.to_owned()),
        OptionKind::Flag { excludes } => (format!("{id}+{name}"), format!("{help} (not with {})", excludes.join(", "))),
        OptionKind::Duration { default, min, max } => {
            let [default, min, max] = [default, min, max].map(duration::format);
            (format!("{id}+{name}={default}"), format!("{help} ({min} to {max})"))
        }
    }
}

fn as_json() -> serde_json::Value {
    let lanes: Vec<_> = lane::standard(transport::ALL)
        .iter()
        .map(|lane| {
            let options: Vec<_> = lane.spec().options.iter().map(option).collect();
            json!({"lane": lane.to_string(), "transport": lane.spec().id, "title": lane.title(), "options": options})
        })
        .collect();
    let scenarios: Vec<_> = load::BUILT_IN
        .iter()
        .filter_map(|(name, _)| load::Scenario::load(name, &[]).ok())
        .map(|scenario| json!({"name": scenario.name, "question": scenario.question}))
        .collect();
    json!({"lanes": lanes, "scenarios": scenarios, "headers": headers::names().collect::<Vec<_>>()})
}

/// An option that the transport of a lane takes; one without a default is a flag.
fn option(option: &OptionSpec) -> serde_json::Value {
    let (name, help) = (option.name, option.help);
    match option.kind {
        OptionKind::Flag { excludes } => json!({"name": name, "excludes": excludes, "help": help}),
        OptionKind::Duration { default, min, max } => {
            let [default, min, max] = [default, min, max].map(duration::format);
            json!({"name": name, "default": default, "min": min, "max": max, "help": help})
        }
    }
}
