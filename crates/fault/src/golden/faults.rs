//! Which deliveries go wrong: chosen before the first, from a seed, in exact numbers.

use std::collections::BTreeMap;

use rand::{SeedableRng as _, seq::index::sample};
use rand_chacha::ChaCha8Rng;

/// What goes wrong for every subscriber, among the publications `first ..= last` of its room.
///
/// The range is cut into pairs of neighbours, and a fault takes a whole pair: no two meet, and a swap has a neighbour to
/// swap with. So the numbers are exact, and a publication before or after the range is always delivered once, in its place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// Which of them; subscriber by subscriber another choice.
    pub seed: u64,
    /// The first offset that may be hit.
    pub first: u64,
    /// The last offset that may be hit.
    pub last: u64,
    /// Deliveries that are left out.
    pub lose: u32,
    /// Deliveries that come twice.
    pub double: u32,
    /// Deliveries that change places with the next one.
    pub swap: u32,
}

/// What becomes of one delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is left out.
    Lost,
    /// It comes twice.
    Doubled,
    /// It comes right after the next one.
    Swapped,
}

/// More faults than the range has pairs for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{wanted} faults need {wanted} pairs of publications, but {first} to {last} has {pairs}")]
pub struct FaultsError {
    wanted: u64,
    first: u64,
    last: u64,
    pairs: u64,
}

impl Faults {
    /// Checks that there is a pair for every fault.
    ///
    /// # Errors
    ///
    /// When there is not.
    pub fn check(&self) -> Result<(), FaultsError> {
        let (wanted, pairs) = (self.wanted(), self.pairs());
        let Self { first, last, .. } = *self;
        if wanted > pairs { Err(FaultsError { wanted, first, last, pairs }) } else { Ok(()) }
    }

    /// The fates of the `subscriber`-th subscriber by offset; what is not in it is delivered. As many of each as asked for;
    /// none where [`check`](Self::check) fails.
    pub fn of(&self, subscriber: u64) -> BTreeMap<u64, Fate> {
        let (Ok(pairs), Ok(wanted)) = (usize::try_from(self.pairs()), usize::try_from(self.wanted())) else {
            return BTreeMap::new();
        };
        if self.check().is_err() {
            return BTreeMap::new();
        }
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(subscriber);
        let fates = [(Fate::Lost, self.lose), (Fate::Doubled, self.double), (Fate::Swapped, self.swap)];
        let fates = fates.into_iter().flat_map(|(fate, count)| (0..count).map(move |_| fate));
        let chosen = sample(&mut random, pairs, wanted);
        chosen.into_iter().zip(fates).map(|(pair, fate)| (self.first + 2 * pair as u64, fate)).collect()
    }

    fn wanted(&self) -> u64 {
        u64::from(self.lose) + u64::from(self.double) + u64::from(self.swap)
    }

    fn pairs(&self) -> u64 {
        (self.last + 1).saturating_sub(self.first) / 2
    }
}
