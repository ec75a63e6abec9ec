//! The run: which cells there are, in which order, how many at a time, and how long each may take.

use std::{
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, future, stream};
use tokio::{net::TcpStream, time::timeout};
use transport::{Headers, HeadersError, Lane, Origin};
use wire::NameError;

use crate::{
    outcome::{Checked, Otherwise},
    promise::{Check, PROMISES, Promise, Turn},
    report::{Cell, Report},
    trial::Trial,
};

/// How long nothing may come before it counts as nothing. 10 s: a busy machine's pauses are shorter.
pub(crate) const IDLE: Duration = Duration::from_secs(10);

/// How long one cell may take, so that a server that never stops ends no run.
const CELL: Duration = Duration::from_mins(2);

/// The same for who has patience: a dead server shows after several of the contract's times.
const PATIENT_CELL: Duration = Duration::from_mins(6);

/// How many cells run at a time. 8: most of a cell is waiting, and a server on a small machine is still not overrun.
const AT_A_TIME: usize = 8;

/// How long the server may take to accept the first connection.
const CONNECT: Duration = Duration::from_secs(5);

/// What tells the server to go down.
pub type Stop = Box<dyn Fn() -> io::Result<()> + Send + Sync>;

/// What is checked.
pub struct Options {
    /// The server.
    pub origin: Origin,
    /// The lanes, in the order of the report.
    pub lanes: Vec<Lane>,
    /// The promises, in any order; all when empty.
    pub only: Vec<&'static Promise>,
    /// Whether to wait for what takes longer than a few seconds.
    pub patient: bool,
    /// Tells the server to go down, called once, after everything else. Without it nobody can see what it says then.
    pub stop: Option<Stop>,
    /// What makes rooms of this run differ from those of every other run on the same server.
    pub run_id: u64,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("origin", &self.origin).field("lanes", &self.lanes).finish_non_exhaustive()
    }
}

/// Why nothing was checked.
#[derive(Debug, thiserror::Error)]
pub enum NoServer {
    /// Nobody accepts a connection.
    #[error("no server at http://{authority}")]
    Connect {
        /// Where.
        authority: String,
        /// What the system said.
        source: io::Error,
    },
    /// The request heads that are built in.
    #[error(transparent)]
    Headers(#[from] HeadersError),
    /// The rooms of this run.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// What all trials share.
pub(crate) struct Suite {
    pub(crate) origin: Origin,
    pub(crate) lanes: Vec<Lane>,
    pub(crate) headers: Headers,
    pub(crate) namespace: String,
    pub(crate) patient: bool,
    pub(crate) stop: Option<Stop>,
    seed: AtomicU64,
}

impl fmt::Debug for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suite").field("origin", &self.origin).field("lanes", &self.lanes).finish_non_exhaustive()
    }
}

impl Suite {
    /// A seed for a driver that no other driver of the run has.
    pub(crate) fn next_seed(&self) -> u64 {
        self.seed.fetch_add(1, Ordering::Relaxed)
    }
}

/// Checks every promise on every lane. `progress` is told of cells as they end.
///
/// Cells run side by side, then those that need quiet, then what ends the server.
///
/// # Errors
///
/// [`NoServer`] when nobody accepts a connection; whatever goes wrong later is in the report.
///
/// # Cancel safety
///
/// Dropped early it leaves rooms behind on the server, and nothing else.
pub async fn run(options: Options, mut progress: impl FnMut(&Cell)) -> Result<Report, NoServer> {
    let Options { origin, lanes, only, patient, stop, run_id } = options;
    let refused = |source| NoServer::Connect { authority: origin.authority.clone(), source };
    let connect = timeout(CONNECT, TcpStream::connect(origin.address)).await;
    drop(connect.map_err(|late| refused(late.into()))?.map_err(refused)?);
    let suite = Arc::new(Suite {
        origin,
        lanes,
        headers: Headers::built_in("minimal")?,
        namespace: format!("conform-{run_id:016x}"),
        patient,
        stop,
        seed: AtomicU64::new(run_id),
    });
    let wanted = |promise: &&Promise| only.is_empty() || only.iter().any(|only| only.name == promise.name);
    let mut cells = Vec::new();
    for (turn, at_a_time) in [(Turn::Any, AT_A_TIME), (Turn::Quiet, usize::MAX), (Turn::Last, 1)] {
        let mut checks = Vec::new();
        for promise in PROMISES.iter().filter(wanted).filter(|promise| promise.turn == turn) {
            checks.extend(checks_of(&suite, promise)?);
        }
        let mut ended = stream::iter(checks).buffer_unordered(at_a_time);
        while let Some(found) = ended.next().await {
            found.iter().for_each(&mut progress);
            cells.extend(found);
        }
    }
    let names: Vec<String> = suite.lanes.iter().map(ToString::to_string).collect();
    Ok(Report::new(&names, cells))
}

type Running = future::BoxFuture<'static, Vec<Cell>>;

/// What is to run for one promise: a future a lane, or one for all.
fn checks_of(suite: &Arc<Suite>, promise: &'static Promise) -> Result<Vec<Running>, NameError> {
    let cell = |suite: &Suite, lane: usize, checked: Checked| Cell {
        promise: promise.name,
        lane: suite.lanes[lane].to_string(),
        outcome: checked.into(),
    };
    match promise.check {
        Check::Each(check) => (0..suite.lanes.len())
            .map(|lane| {
                let trial = Trial::new(suite, lane, promise.name)?;
                let suite = Arc::clone(suite);
                let running: Running = Box::pin(async move {
                    let checked = in_time(&suite, check(trial)).await.and_then(|checked| checked);
                    vec![cell(&suite, lane, checked)]
                });
                Ok(running)
            })
            .collect(),
        Check::Together(check) => {
            let trial = Trial::new(suite, 0, promise.name)?;
            let suite = Arc::clone(suite);
            let running: Running = Box::pin(async move {
                let all = in_time(&suite, check(trial)).await.and_then(|checked| checked);
                let lanes = suite.lanes.len();
                let all = all.unwrap_or_else(|otherwise| vec![Err(otherwise); lanes]);
                all.into_iter().enumerate().map(|(lane, checked)| cell(&suite, lane, checked)).collect()
            });
            Ok(vec![running])
        }
    }
}

async fn in_time<T>(suite: &Suite, check: impl Future<Output = T>) -> Checked<T> {
    let limit = if suite.patient { PATIENT_CELL } else { CELL };
    timeout(limit, check).await.map_err(|_late| Otherwise::Broken(format!("not done after {} s", limit.as_secs())))
}
