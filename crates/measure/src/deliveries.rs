//! The delivery ledger: what one subscriber of one room was sent, judged offset by offset, and the totals.
//!
//! A [`Sequence`] judges; [`Deliveries`] counts. They are apart because a sequence lives as long as the subscription, warm-up
//! included, while the totals are for publications due in the window, which only the caller can tell.

/// Bound on the skipped ranges a [`Sequence`] remembers; with it a sequence stays under 1.1 KiB.
const HOLES: usize = 32;

/// What a delivery was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// New and in order.
    First,
    /// Seen before.
    Duplicate,
    /// Not seen before, but after a later one.
    Reordered,
}

/// The offsets one subscriber of one room has seen.
///
/// A jump forward is normal: direct and echo-suppressed publications are filtered, and only a gap item tells of loss. The
/// last 32 skipped ranges are remembered. An offset that arrives late from an older range than those is judged
/// [`Verdict::Duplicate`] and so is missing from the delivered: the error is against the lane, which is invalid in either
/// case.
#[derive(Debug, Clone, Default)]
pub struct Sequence {
    last: u64,
    /// Inclusive ranges below `last` that were skipped: ascending, disjoint.
    holes: Vec<(u64, u64)>,
}

impl Sequence {
    /// A subscription at the position with offset `after`; offsets up to it count as seen. Zero is before the first.
    #[must_use]
    pub fn new(after: u64) -> Self {
        Self { last: after, holes: Vec::new() }
    }

    /// Judges the publication with this offset as it arrives.
    pub fn delivered(&mut self, offset: u64) -> Verdict {
        if offset > self.last {
            self.skip_to(offset - 1);
            self.last = offset;
            return Verdict::First;
        }
        let Some(hole) = self.holes.iter().position(|&(low, high)| (low..=high).contains(&offset)) else {
            return Verdict::Duplicate;
        };
        let (low, high) = self.holes.remove(hole);
        let rest = [(low, offset - 1), (offset + 1, high)];
        self.holes.splice(hole..hole, rest.into_iter().filter(|(low, high)| low <= high));
        self.forget_oldest();
        Verdict::Reordered
    }

    fn skip_to(&mut self, to: u64) {
        if to > self.last {
            self.holes.push((self.last + 1, to));
            self.last = to;
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if self.holes.len() > HOLES {
            self.holes.remove(0);
        }
    }
}

/// Totals over subscribers and rooms, for the publications due in one window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Deliveries {
    /// Publications times the subscribers each was meant for; set by the caller.
    pub expected: u64,
    /// Distinct publications that arrived, in order or not.
    pub delivered: u64,
    /// Expected and not delivered by the deadline; set by the caller, publication by publication.
    pub lost: u64,
    /// Arrivals of a publication that had arrived before.
    pub duplicated: u64,
    /// Of the delivered, those that arrived after a later one.
    pub reordered: u64,
    /// Of the delivered, those that a resume brought back; set by the caller, who knows the connections.
    pub replayed: u64,
    /// Publications that gap items told of; set by the caller.
    pub gaps_told: u64,
}

impl Deliveries {
    /// Counts one arrival.
    pub fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::First => self.delivered += 1,
            Verdict::Duplicate => self.duplicated += 1,
            Verdict::Reordered => {
                self.delivered += 1;
                self.reordered += 1;
            }
        }
    }
}
