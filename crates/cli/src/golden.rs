//! `feedbench golden`, hidden: the server of known behaviour as a process of its own, started like `feedbench serve`.

use std::{fs::OpenOptions, io, io::Write as _, sync::mpsc::sync_channel, thread};

use anyhow::Context as _;
use fault::golden::{Behaviour, Faults, Golden};
use serde_json::json;
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::{Outcome, args::GoldenArgs, output};

/// Serves until it is told to stop, then says what it did. Whoever is still connected sees the end.
pub(crate) fn run(args: &GoldenArgs) -> anyhow::Result<Outcome> {
    let &GoldenArgs { seed, first, last, lose, double, swap, .. } = args;
    let faults = Faults { seed, first, last, lose, double, swap };
    faults.check()?;
    let behaviour = Behaviour { delay: args.delay, two_writes: args.two_writes, touch_bytes: args.touch, faults };
    // Room for one word: whichever comes first is enough.
    let (stop, stopped) = sync_channel(1);
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    let by_signal = stop.clone();
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            let _first = by_signal.try_send(());
        }
    });
    if args.until_stdin_closes {
        thread::spawn(move || {
            // The end or an error: whoever started the server is gone.
            let _end = io::copy(&mut io::stdin().lock(), &mut io::sink());
            let _first = stop.try_send(());
        });
    }
    let server = Golden::start(args.listen, behaviour)?;
    let ready = json!({
        "listening": format!("http://{}", server.address()),
        "pid": std::process::id(),
        "version": env!("CARGO_PKG_VERSION"),
    });
    output::text(&ready.to_string());
    stopped.recv().context("nobody is left who could stop the server")?;
    if let Some(path) = &args.tell {
        let line = serde_json::to_string(&server.told())? + "\n";
        let opened = OpenOptions::new().create(true).append(true).open(path);
        opened.and_then(|mut file| file.write_all(line.as_bytes())).with_context(|| format!("{}", path.display()))?;
    }
    Ok(Outcome::Done)
}
