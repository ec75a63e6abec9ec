//! `feedbench bench`: plans, runs, renders, prints.

use std::{
    fs,
    hash::Hasher as _,
    io::{ErrorKind, IsTerminal as _},
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use load::{Plan, Profile, Progress, Scenario, ServerCommand};
use record::Cell;
use report::Dataset;
use signal_hook::consts::SIGINT;
use time::{OffsetDateTime, macros::format_description};
use transport::{Headers, Lane, lane};
use wire::duration;

use crate::{
    Outcome,
    args::{BenchArgs, RunFormat},
    calibrate, index, output, report_page,
};

/// How a run starts its servers: on a free port, gone when the run is, and without the limit that a chat of members could meet.
const SERVE: [&str; 6] = ["serve", "--listen", "127.0.0.1:0", "--until-stdin-closes", "--publish-limit", "0"];

pub(crate) fn run(args: &BenchArgs) -> anyhow::Result<Outcome> {
    let plan = plan(args)?;
    plan.check(server::raise_file_limit())?;
    let folder = run_folder(&args.out, &plan.scenario.name)?;
    let ended = measure_into(&plan, &folder);
    // What was measured before a failure is in the record, and is shown.
    let rendered = report_page::render(&folder, None);
    index::rewrite(&args.out);
    let shown = rendered.and_then(|data| finish(&data, &folder.join(report_page::PAGE), args.format));
    ended.and(shown)
}

/// Runs `plan` into `folder` with progress on standard error.
pub(crate) fn measure_into(plan: &Plan, folder: &Path) -> anyhow::Result<()> {
    let interrupted = Arc::new(AtomicBool::new(false));
    // The second one ends the process at once; the order of the two lines makes it the second.
    signal_hook::flag::register_conditional_shutdown(SIGINT, 130, Arc::clone(&interrupted))?;
    signal_hook::flag::register(SIGINT, Arc::clone(&interrupted))?;
    let program = std::env::current_exe().context("cannot find this program to start the server from")?;
    let mut arguments = Vec::from(SERVE.map(ToOwned::to_owned));
    if let Some(heartbeat) = plan.scenario.heartbeat {
        arguments.extend(["--heartbeat".to_owned(), duration::format(heartbeat)]);
    }
    let command = ServerCommand { program, arguments };
    let display = Display::new(plan);
    load::run(plan, &command, folder, &interrupted, |progress| display.show(&progress))?;
    display.bar.finish_and_clear();
    Ok(())
}

/// Prints the result, and says by its verdict how the command ended. Of a format for programs standard output has nothing else.
pub(crate) fn finish(data: &Dataset, page: &Path, format: RunFormat) -> anyhow::Result<Outcome> {
    let verdict = report::verdict(data);
    let place = format!("report: {}", page.display());
    match format {
        RunFormat::Text => {
            output::text(&format!(
                "{}: {} of {} checks passed",
                verdict.status,
                verdict.checks_passed,
                verdict.checks.len()
            ));
            for reason in &verdict.reasons {
                output::text(&format!("  {reason}"));
            }
            output::text(&format!("\n{}{place}", report::table(data)));
        }
        RunFormat::Markdown => output::text(&report::markdown(data)),
        RunFormat::Csv => output::text(&report::csv(data)),
        RunFormat::Json => output::text(&serde_json::to_string_pretty(&report::summary(data))?),
    }
    if format != RunFormat::Text {
        output::note(&place);
    }
    Ok(outcome(&verdict))
}

/// How a command ends that showed a run.
pub(crate) fn outcome(verdict: &report::Verdict) -> Outcome {
    if verdict.status == report::Status::Invalid { Outcome::Invalid } else { Outcome::Done }
}

fn plan(args: &BenchArgs) -> anyhow::Result<Plan> {
    if args.profile != Profile::QUICK.name {
        bail!("there is no profile {:?}; there is: {}", args.profile, Profile::QUICK.name);
    }
    let scenario = Scenario::load(&args.scenario, &overrides(args))?;
    let blocks = args.blocks.or(scenario.blocks).unwrap_or(Profile::QUICK.blocks);
    let profile = Profile { blocks, ..Profile::QUICK };
    let named = if args.lanes.is_empty() { &scenario.lanes } else { &args.lanes };
    let lanes = lanes(named, &args.interval)?;
    let seed = args.seed.unwrap_or_else(|| measure::unix_time_us() % 1_000_000);
    Ok(Plan {
        scenario,
        profile,
        lanes,
        seed,
        headers: headers(&args.headers)?,
        catalog: transport::ALL,
        rtt: args.rtt,
        stall: None,
        calibration: calibrate::newest(&args.out, &load::host_id()),
        command: command_line(std::env::args(), args.seed.is_none().then_some(seed)),
        commit: option_env!("FEEDBENCH_COMMIT").map(ToOwned::to_owned),
    })
}

/// The short forms as what they stand for; `--set` wins, as the last word.
fn overrides(args: &BenchArgs) -> Vec<String> {
    let quoted = args.duration.as_ref().map(|window| format!("window=\"{window}\""));
    [
        args.clients.map(|n| format!("subscribers={n}")),
        args.rooms.map(|n| format!("rooms={n}")),
        args.rate.map(|hz| format!("rate_hz={hz:?}")),
        args.size.map(|bytes| format!("size_bytes={bytes}")),
        quoted,
    ]
    .into_iter()
    .flatten()
    .chain(args.set.iter().cloned())
    .collect()
}

/// The lanes that are named, or the standard ones; each that asks by the clock once for every interval, unless its name has
/// one.
fn lanes(named: &[String], intervals: &[String]) -> anyhow::Result<Vec<Lane>> {
    let standard: Vec<String> = lane::standard(transport::ALL).iter().map(ToString::to_string).collect();
    let names = if named.is_empty() { &standard } else { named };
    let mut lanes = Vec::new();
    let mut used = intervals.is_empty();
    for name in names {
        let lane = Lane::parse(name, transport::ALL)?;
        if intervals.is_empty() || lane.build().interval().is_none() || name.contains("+interval=") {
            lanes.push(lane);
            continue;
        }
        used = true;
        for interval in intervals {
            lanes.push(Lane::parse(&format!("{name}+interval={interval}"), transport::ALL)?);
        }
    }
    if !used {
        bail!(
            "--interval changes no lane of {}: none of them asks by the clock without an interval of its own",
            names.join(", ")
        );
    }
    Ok(lanes)
}

/// A profile that is built in, or a file's. That of a file is named after the file and the hash of its text, so that two files
/// of one name are told apart.
fn headers(name: &str) -> anyhow::Result<Headers> {
    if !name.contains(['/', '.']) {
        return Ok(Headers::built_in(name)?);
    }
    let path = Path::new(name);
    let text = fs::read_to_string(path).with_context(|| format!("cannot read the header profile {name}"))?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    #[expect(deprecated, reason = "the one hash of std whose result is the same in every process")]
    let mut hasher = std::hash::SipHasher::new();
    hasher.write(text.as_bytes());
    Headers::parse(&format!("{stem}@{:016x}", hasher.finish()), &text).with_context(|| name.to_owned())
}

/// The command as it was typed, with the seed it used, and without folders of this machine: the program's, and that of `--out`,
/// which changes nothing that is measured.
fn command_line(typed: impl Iterator<Item = String>, seed: Option<u64>) -> String {
    let mut words = vec!["feedbench".to_owned()];
    let mut typed = typed.skip(1);
    while let Some(word) = typed.next() {
        if word == "--out" {
            typed.next();
        } else if !word.starts_with("--out=") {
            words.push(quoted(word));
        }
    }
    words.extend(seed.map(|seed| format!("--seed {seed}")));
    words.join(" ")
}

/// A word as a shell reads it again.
fn quoted(word: String) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./:=,@+-".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) { word } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// Makes the folder of a run, named after the time and the scenario.
pub(crate) fn run_folder(out: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let now = OffsetDateTime::from_unix_timestamp_nanos(i128::from(measure::unix_time_us()) * 1000)?;
    let stamp = now.format(format_description!("[year]-[month]-[day]T[hour]-[minute]-[second]"))?;
    let cannot_write = || format!("cannot write to {}; choose another --out", out.display());
    fs::create_dir_all(out).with_context(cannot_write)?;
    // Two runs may begin in one second.
    let names = std::iter::once(format!("{stamp}-{name}")).chain((2..100).map(|n| format!("{stamp}-{name}-{n}")));
    for folder in names.map(|name| out.join(name)) {
        match fs::create_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => return made.map(|()| folder).with_context(cannot_write),
        }
    }
    bail!(cannot_write())
}

/// A bar on a terminal, a line per cell elsewhere.
struct Display {
    bar: ProgressBar,
    lines: bool,
}

impl Display {
    fn new(plan: &Plan) -> Self {
        let lines = !std::io::stderr().is_terminal();
        let bar = if lines { ProgressBar::hidden() } else { ProgressBar::new(0) };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}  {elapsed} of about {prefix}") {
            bar.set_style(style);
        }
        let estimate = plan.estimate();
        bar.set_prefix(format!("{} s", estimate.as_secs().max(1)));
        bar.enable_steady_tick(Duration::from_millis(250));
        if lines {
            output::note(&format!("about {} s", estimate.as_secs().max(1)));
        }
        Self { bar, lines }
    }

    fn show(&self, progress: &Progress<'_>) {
        match progress {
            Progress::Begins { index, of, lane, block } => {
                self.bar.set_length(*of as u64);
                self.bar.set_position(*index as u64);
                self.bar.set_message(format!("block {} {lane}", block + 1));
            }
            Progress::Done(cell) if self.lines => {
                let twin = if cell.twin { " (twin)" } else { "" };
                let again = if cell.attempt > 0 { " again" } else { "" };
                output::note(&format!("block {} {}{twin}{again}: {}", cell.block + 1, cell.lane, done(cell)));
            }
            Progress::Done(_) => {}
            Progress::Failed(why) => self.bar.suspend(|| output::note(&format!("failed: {why}"))),
        }
    }
}

/// What came of a cell, in words.
fn done(cell: &Cell) -> String {
    let deliveries = &cell.deliveries;
    match &cell.connects {
        Some(connects) => format!("{} subscriptions opened", connects.due),
        None if cell.offered == 0 => format!("{} subscribers heard nothing", cell.subscribers),
        None => format!("{} of {} delivered", deliveries.delivered, deliveries.expected),
    }
}

#[cfg(test)]
mod tests {
    use super::command_line;

    #[test]
    fn the_command_of_a_record_repeats_the_run_and_names_no_folder() {
        let line = |typed: &str, seed| command_line(typed.split(' ').map(ToOwned::to_owned), seed);
        assert_eq!(line("/a/feedbench bench --out /home/me chat", Some(7)), "feedbench bench chat --seed 7");
        assert_eq!(
            line("feedbench bench --seed 3 --out=/home/me --size 20", None),
            "feedbench bench --seed 3 --size 20"
        );
        assert_eq!(line("feedbench bench --out", Some(1)), "feedbench bench --seed 1");
    }
}
