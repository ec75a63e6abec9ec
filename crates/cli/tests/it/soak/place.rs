//! The server process with its successors at the same address, and the storms between it and its clients.

use std::time::Duration;

use conformance::client::PATIENCE;
use fault::{After, Control, Kind, Script, Step};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use testkit::process::ServerProcess;
use tokio::{
    net::TcpStream,
    sync::watch,
    task::block_in_place,
    time::{sleep, timeout},
};
use transport::Origin;

use crate::binary;

/// How many publications a room holds: so few that a nap outlasts them.
pub(super) const RING_ITEMS: u64 = 128;

/// One for all servers of a run, so that sessions outlive each.
const SECRET: &str = "thirty-two bytes that are no secret";

/// What the proxy does, each as likely as another.
const KINDS: [Kind; 6] = [Kind::Delay, Kind::Stall, Kind::Dribble, Kind::Cut, Kind::HalfClose, Kind::Heal];

/// How many steps a storm has.
const STEPS: usize = 5;

/// How much longer than the script has it they last: long enough that clients come back in between.
const SLOWER: u32 = 6;

/// The pause between two tries of a condition of the system.
const TICK: Duration = Duration::from_millis(5);

/// The server of the moment.
pub(super) struct Place {
    pub(super) origin: Origin,
    server: Option<ServerProcess>,
    /// One that was told to end.
    draining: Option<ServerProcess>,
}

impl Place {
    pub(super) fn open() -> Self {
        // Nobody takes a port of this address to connect from, so that a successor can have it.
        let server = start("127.0.0.2:0");
        let origin = Origin::parse(server.ready["addresses"][1].as_str().unwrap()).unwrap();
        Self { origin, server: Some(server), draining: None }
    }

    /// Tells the server to end; another takes its place as soon as it accepts no more, while its clients are still told.
    pub(super) async fn drain(&mut self) {
        self.draining = self.server.take();
        self.draining.as_ref().unwrap().terminate();
        let refused = async {
            while TcpStream::connect(self.origin.address).await.is_ok() {
                sleep(TICK).await;
            }
        };
        timeout(PATIENCE, refused).await.expect("a draining server stops accepting");
        self.server = Some(start(&self.origin.authority));
    }

    /// Kills the server; another takes its place.
    pub(super) fn kill(&mut self) {
        drop(self.server.take());
        self.server = Some(start(&self.origin.authority));
    }

    /// Whether the server that was told to end has done so in good order; true when none was.
    pub(super) fn has_drained(&mut self) -> bool {
        self.draining.take().is_none_or(|mut server| block_in_place(|| server.ended(PATIENCE)).0.success())
    }
}

fn start(listen: &str) -> ServerProcess {
    let ring_items = RING_ITEMS.to_string();
    let flags = ["--listen", listen, "--session-secret", SECRET, "--ring-items", &ring_items];
    block_in_place(|| ServerProcess::start(binary(), &flags))
}

/// One storm after the other while it is not calm. Each heals at its end.
pub(super) async fn storms(control: Control, mut random: ChaCha8Rng, mut calm: watch::Receiver<bool>) {
    // Without a sender the run is over.
    while calm.wait_for(|calm| !calm).await.is_ok() {
        sleep(Duration::from_millis(random.random_range(50..600))).await;
        let script = Script::random(random.random(), STEPS, &KINDS);
        let slower = |step: &Step| match step.after {
            After::Time(pause) => Step { after: After::Time(pause * SLOWER), ..*step },
            After::Bytes(..) | After::Connections(_) => *step,
        };
        control.play(script.steps().iter().map(slower).collect()).await;
    }
}
