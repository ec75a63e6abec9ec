//! What happens when: steps that [`Control::play`](crate::Control::play) performs, and random scripts from a seed.

use std::{fmt, time::Duration};

use rand::{RngExt as _, SeedableRng as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha8Rng;

use crate::rules::Way;

/// The longest pause between two steps of a random script, and its longest delay, in ms.
const LONGEST_MS: u64 = 30;

/// The largest piece of a random dribble.
const LARGEST_PIECE_BYTES: usize = 4096;

/// The longest time between two pieces of a random dribble, in ms.
const LONGEST_EVERY_MS: u64 = 3;

/// One thing to do, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The condition, counted from the step before.
    pub after: After,
    /// What is done then.
    pub act: Action,
}

/// A condition, counted from the step before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// So much time has passed.
    Time(Duration),
    /// So many bytes were forwarded in this direction, over all connections.
    Bytes(Way, u64),
    /// So many connections were accepted, with those that were refused.
    Connections(u64),
}

/// What a [`Control`](crate::Control) can do; its methods of the same names have the contracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Every byte is late.
    Delay(Way, Duration),
    /// Nothing goes on.
    Stall(Way),
    /// Bytes come in pieces.
    Dribble {
        /// In which direction.
        way: Way,
        /// The size of a piece.
        piece_bytes: usize,
        /// The time from one piece to the next.
        every: Duration,
    },
    /// All connections are reset, and new ones too.
    Cut,
    /// The receiver of this direction sees the end.
    HalfClose(Way),
    /// Plain forwarding.
    Heal,
}

/// An [`Action`] without its numbers, to choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Of [`Action::Delay`].
    Delay,
    /// Of [`Action::Stall`].
    Stall,
    /// Of [`Action::Dribble`].
    Dribble,
    /// Of [`Action::Cut`].
    Cut,
    /// Of [`Action::HalfClose`].
    HalfClose,
    /// Of [`Action::Heal`].
    Heal,
}

impl Kind {
    /// The kinds that lose no byte.
    pub const LOSSLESS: [Self; 4] = [Self::Delay, Self::Stall, Self::Dribble, Self::Heal];
}

/// A random script. Prints as the call that makes it again, with its steps.
#[derive(Clone, PartialEq, Eq)]
pub struct Script {
    seed: u64,
    kinds: Vec<Kind>,
    steps: Vec<Step>,
}

impl Script {
    /// So many steps of these kinds, each as likely as another, and one that heals at the end.
    ///
    /// The same arguments give the same script. Steps are 0 to 30 ms apart and wait for nothing but time, because
    /// bytes and connections may fail to come after a fault; so a script ends whatever the traffic. Delays are 0 to
    /// 30 ms, pieces 1 to 4096 bytes, 0 to 3 ms apart.
    pub fn random(seed: u64, steps: usize, kinds: &[Kind]) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut acts: Vec<_> = (0..steps)
            .filter_map(|_| kinds.choose(&mut random).copied().map(|kind| (pause(&mut random), act(&mut random, kind))))
            .collect();
        acts.push((pause(&mut random), Action::Heal));
        let steps = acts.into_iter().map(|(pause, act)| Step { after: After::Time(pause), act }).collect();
        Self { seed, kinds: kinds.to_vec(), steps }
    }

    /// The steps, the one that heals included.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, kinds, steps } = self;
        write!(f, "Script::random({seed}, {}, &{kinds:?}): {steps:?}", steps.len() - 1)
    }
}

fn pause(random: &mut ChaCha8Rng) -> Duration {
    Duration::from_millis(random.random_range(0..=LONGEST_MS))
}

fn act(random: &mut ChaCha8Rng, kind: Kind) -> Action {
    let way = if random.random() { Way::Up } else { Way::Down };
    match kind {
        Kind::Delay => Action::Delay(way, pause(random)),
        Kind::Stall => Action::Stall(way),
        Kind::Dribble => Action::Dribble {
            way,
            piece_bytes: random.random_range(1..=LARGEST_PIECE_BYTES),
            every: Duration::from_millis(random.random_range(0..=LONGEST_EVERY_MS)),
        },
        Kind::Cut => Action::Cut,
        Kind::HalfClose => Action::HalfClose(way),
        Kind::Heal => Action::Heal,
    }
}
