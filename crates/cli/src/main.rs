//! The binary: arguments, standard output, exit codes. The only crate that prints, exits or reads arguments.
//!
//! Exit codes: 0 done (VALID or SUSPECT), 1 a check failed, 2 wrong usage or environment, 3 the measurement is INVALID.

mod args;
mod bench;
mod calibrate;
mod conform;
mod golden;
mod index;
mod limits;
mod list;
mod output;
mod report_page;
mod serve;
mod values;

use std::process::ExitCode;

use clap::{Parser as _, error::ErrorKind};

use args::{Cli, Verb};

/// How a command that ran to its end ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// VALID or SUSPECT, or nothing to judge.
    Done,
    /// A check failed.
    Failed,
    /// The measurement is INVALID.
    Invalid,
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            output::text(&error.render().to_string());
            return ExitCode::SUCCESS;
        }
        Err(error) if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            return wrong_usage("name a command: serve, bench, report, calibrate, conform or list; --help says more");
        }
        Err(error) => return wrong_usage(&one_line(&error.render().to_string())),
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("FEEDBENCH_LOG")
        .unwrap_or_else(|_unset| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let ended = match cli.verb {
        Verb::Serve(args) => serve::run(*args),
        Verb::Bench(args) => bench::run(&args),
        Verb::Report(args) => report_page::run(&args),
        Verb::Calibrate(args) => calibrate::run(&args),
        Verb::Conform(args) => conform::run(&args),
        Verb::List(args) => list::run(&args),
        Verb::Golden(args) => golden::run(&args),
    };
    match ended {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::from(1),
        Ok(Outcome::Invalid) => ExitCode::from(3),
        Err(error) => wrong_usage(&format!("{error:#}")),
    }
}

/// One line that says what to do, and exit code 2.
fn wrong_usage(message: &str) -> ExitCode {
    output::error(message);
    ExitCode::from(2)
}

/// Joins the first paragraph of a message, which is where the parser says what is wrong, and its tip.
fn one_line(message: &str) -> String {
    let words = message.split("\n\n").take_while(|paragraph| !paragraph.starts_with("Usage"));
    let kept: Vec<&str> = words.filter(|paragraph| !paragraph.starts_with("For more")).collect();
    let joined = kept.join("; ");
    let line: Vec<&str> = joined.split_whitespace().collect();
    line.join(" ").trim_start_matches("error: ").to_owned()
}
