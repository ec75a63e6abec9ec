//! The run as Markdown for a pull request: what the page's first screen says, in GitHub's dialect.

use crate::{
    claims::Withdrawn,
    columns::{Value, columns, row},
    dataset::{Dataset, Lane},
    page::{checks, run},
    prose,
    summary::Summary,
    text::{answer, computed},
    verdict::Verdict,
};

/// Verdict, reasons, answer, the lanes as a table, what the run cannot say in a fold-out, the command.
pub(crate) fn markdown(data: &Dataset, summary: &Summary, verdict: &Verdict) -> String {
    let mut parts = vec![
        format!("**{}** · feedbench · {}", verdict.status, plain(&run(data).join(" · "))),
        plain(&checks(summary, verdict)),
    ];
    parts.extend(list(&verdict.reasons));
    parts.push(plain(&words(answer(data, summary, verdict).into_iter().map(|sentence| sentence.text))));
    let alone = verdict.withdrawn.iter().filter(|claim| claim.against.is_none());
    parts.extend(alone.map(|claim| plain(&Withdrawn::sentence(claim))));
    parts.push(table(data, summary, verdict));
    parts.extend(data.lanes.iter().filter_map(|lane| computed(lane, summary)).map(|line| plain(&line)));
    parts.push(plain(prose::LANES_HINT));
    parts.push("<details>\n<summary>What this run cannot say</summary>".to_owned());
    parts.extend(list(&prose::limits(data, summary)));
    parts.push("</details>".to_owned());
    parts.push(code(&data.header.command));
    format!("{}\n", parts.join("\n\n"))
}

fn words(sentences: impl Iterator<Item = String>) -> String {
    sentences.collect::<Vec<_>>().join(" ")
}

fn list(items: &[String]) -> Option<String> {
    let lines: Vec<String> = items.iter().map(|item| format!("- {}", plain(item))).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn table(data: &Dataset, summary: &Summary, verdict: &Verdict) -> String {
    let columns = columns(summary);
    let head: Vec<&str> = std::iter::once("lane").chain(columns.iter().map(|column| column.head)).collect();
    let cell = |value: Value| if value.best { format!("**{}**", plain(&value.text)) } else { plain(&value.text) };
    let of_lane = |lane: &Lane| {
        let floor = if data.is_floor(lane) { " (floor)" } else { "" };
        let values = row(data, summary, verdict, lane).into_iter().map(cell);
        line(&std::iter::once(plain(&format!("{}{floor}", lane.label()))).chain(values).collect::<Vec<_>>())
    };
    let rule = format!("|:--|{}", "--:|".repeat(columns.len()));
    let head = line(&head.into_iter().map(plain).collect::<Vec<_>>());
    [head, rule].into_iter().chain(data.lanes.iter().map(of_lane)).collect::<Vec<_>>().join("\n")
}

fn line(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}

/// Text that stays text: names come from records, which strangers write.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' | '`' | '*' | '_' | '~' | '[' | ']' | '<' | '>' | '|' | '#' | '&' | '$' => {
                out.extend(['\\', character]);
            }
            character if character.is_control() => out.push(' '),
            character => out.push(character),
        }
    }
    out
}

/// A block of code around a text that may hold fences itself.
fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}sh\n{text}\n{fence}")
}
