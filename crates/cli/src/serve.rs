//! `feedbench serve`: one JSON line when it listens, then it serves until it is told to stop.

use std::{io, path::PathBuf, thread};

use anyhow::Context as _;
use hub::Limits;
use serde_json::json;
use server::{Config, Server, SessionConfig};
use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

use crate::{
    Outcome,
    args::{ServeArgs, SessionArgs},
    limits::LimitArgs,
    output,
};

pub(crate) fn run(args: ServeArgs) -> anyhow::Result<Outcome> {
    let mut limits = Limits::default();
    if let Some(path) = &args.config {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let given: LimitArgs =
            toml::from_str(&text).with_context(|| format!("{} is not a table of limits", path.display()))?;
        limits = given.over(limits);
    }
    let mut limits = args.limits.over(limits);
    limits.require_session = args.sessions.require_session;
    let config = Config {
        listen: args.listen,
        limits,
        catalog: transport::ALL,
        test_endpoints: args.test_endpoints,
        sessions: sessions(&args.sessions)?,
        allowed_origins: args.sessions.allowed_origins,
        watch_connections: args.watch_connections,
    };
    // Whoever starts a server for itself has no sessions to keep.
    let forgets_sessions = config.sessions.secret.is_none() && !args.until_stdin_closes;
    let file_limit = server::raise_file_limit();
    // On one CPU a second worker would only be in the way.
    let cpus = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut builder =
        if cpus == 1 { runtime::Builder::new_current_thread() } else { runtime::Builder::new_multi_thread() };
    let runtime = builder.enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(async {
        let server = Server::bind(config)?;
        let stop = Stop::listen(args.until_stdin_closes)?;
        if forgets_sessions {
            output::note(
                "feedbench: sessions are signed with a random secret and end with this process; --session-secret-file FILE keeps them",
            );
        }
        let urls: Vec<String> = server.addresses().iter().map(|address| format!("http://{address}")).collect();
        if let ([page, ..], false) = (&urls[..], args.until_stdin_closes) {
            output::note(&format!("feedbench: the page is at {page}"));
        }
        output::text(
            &json!({
                "listening": urls.first(),
                "addresses": urls,
                "pid": std::process::id(),
                "version": env!("CARGO_PKG_VERSION"),
                "file_limit": file_limit,
            })
            .to_string(),
        );
        let drained = server.run(stop.asked()).await;
        if drained.cut > 0 {
            output::note(&format!("feedbench: {} connections were cut after the drain", drained.cut));
        }
        anyhow::Ok(())
    })?;
    // Connections that were cut have tasks that need not be waited for.
    runtime.shutdown_background();
    Ok(Outcome::Done)
}

fn sessions(args: &SessionArgs) -> anyhow::Result<SessionConfig> {
    let in_file = |path: &PathBuf| {
        std::fs::read_to_string(path).with_context(|| format!("cannot read the session secret {}", path.display()))
    };
    let from_file = args.session_secret_file.as_ref().map(in_file).transpose()?;
    let secret = from_file.as_ref().or(args.session_secret.as_ref()).map(|text| text.trim().as_bytes().to_vec());
    Ok(SessionConfig { secret, life: args.session_life.0, secure: args.secure_cookies })
}

/// What asks a server to stop.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
    stdin_closed: oneshot::Receiver<()>,
}

impl Stop {
    fn listen(until_stdin_closes: bool) -> io::Result<Self> {
        let (closed, stdin_closed) = oneshot::channel::<()>();
        thread::spawn(move || {
            if until_stdin_closes {
                // The end or an error: whoever started the server is gone.
                let _end = io::copy(&mut io::stdin().lock(), &mut io::sink());
                drop(closed);
            } else {
                // Kept for as long as the process lives.
                thread::park();
                drop(closed);
            }
        });
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            stdin_closed,
        })
    }

    async fn asked(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.stdin_closed => {}
        }
    }
}
