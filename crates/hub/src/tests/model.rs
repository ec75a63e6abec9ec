//! A plain `Vec` of everything ever published is the model; any order of publishing and reading must agree with it.

use proptest::{collection::vec, prelude::*};
use tokio::runtime::{Builder, Runtime};
use wire::{After, Epoch, Gap, GapReason, Position};

use super::{ALL, general, publish, ready};
use crate::{Batch, Hub, Limits, ReadLimit, Stored, Subscription, Wait};

const EVENT: &str = r#""event":"message","from":"ana","at_us":7,"#;

#[derive(Debug, Clone)]
enum Step {
    /// Publish a string of this many characters.
    Publish(usize),
    /// Read once: from a foreign epoch or not, after this offset.
    Read(bool, u64, ReadLimit),
    /// Go on with the subscription.
    Next(ReadLimit),
    /// Give the subscription up and resume after this offset.
    Resume(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let limit = || (0_usize..8, 0_usize..700).prop_map(|(items, bytes)| ReadLimit { items, bytes });
    let step = prop_oneof![
        6 => (0_usize..120).prop_map(Step::Publish),
        2 => (prop::bool::weighted(0.1), 0_u64..40, limit())
            .prop_map(|(foreign, offset, limit)| Step::Read(foreign, offset, limit)),
        2 => limit().prop_map(Step::Next),
        1 => (0_u64..40).prop_map(Step::Resume),
    ];
    vec(step, 0..80)
}

/// Everything ever published, and what a ring of these bounds still holds of it.
struct Model {
    epoch: Epoch,
    all: Vec<String>,
    ring_items: usize,
    ring_bytes: usize,
}

impl Model {
    fn publish(&mut self, size: usize) {
        let (offset, text) = (self.all.len() + 1, "x".repeat(size));
        self.all.push(format!(r#"{{"offset":{offset},{EVENT}"data":"{text}"}}"#));
    }

    /// The longest tail that fits, and always the newest one.
    fn before_oldest(&self) -> usize {
        let fits = |first: usize| {
            let held = &self.all[first..];
            held.len() <= self.ring_items && held.iter().map(String::len).sum::<usize>() <= self.ring_bytes
        };
        (0..self.all.len()).find(|first| fits(*first)).unwrap_or(self.all.len().saturating_sub(1))
    }

    fn at(&self, offset: usize) -> Position {
        Position { epoch: self.epoch.clone(), offset: offset as u64 }
    }

    /// The gap, the texts and the position that a read must give; none when it must wait.
    fn read(&self, from: &Position, limit: ReadLimit, behind: GapReason) -> Option<(Option<Gap>, Vec<&str>, Position)> {
        let before_oldest = self.before_oldest();
        let position = self.at(before_oldest);
        let offset = usize::try_from(from.offset).unwrap();
        let is_foreign = from.epoch != self.epoch || behind == GapReason::Epoch;
        let (gap, after) = if is_foreign || offset > self.all.len() {
            let reason = GapReason::Epoch;
            (Some(Gap { from: None, to: None, missed: None, reason, position }), before_oldest)
        } else if offset < before_oldest {
            let (from, to) = (Some(from.offset + 1), Some(before_oldest as u64));
            let missed = Some((offset + 1..=before_oldest).count() as u64);
            (Some(Gap { from, to, missed, reason: behind, position }), before_oldest)
        } else {
            (None, offset)
        };
        let mut items: Vec<&str> = Vec::new();
        for text in &self.all[after..] {
            let bytes: usize = items.iter().map(|item| item.len()).sum();
            let fits = items.len() < limit.items && bytes + text.len() <= limit.bytes;
            if !items.is_empty() && !fits {
                break;
            }
            items.push(text);
        }
        let position = self.at(after + items.len());
        (gap.is_some() || !items.is_empty()).then_some((gap, items, position))
    }
}

fn agree(found: Option<&Batch>, expected: Option<(Option<Gap>, Vec<&str>, Position)>) -> Result<(), TestCaseError> {
    let found = found.map(|batch| {
        let texts: Vec<_> = batch.items.iter().map(Stored::text).collect();
        (batch.gap.clone(), texts, batch.position.clone())
    });
    prop_assert_eq!(found, expected);
    Ok(())
}

/// The hub, its model, and one subscription with the offsets it has accounted for.
struct Bench {
    runtime: Runtime,
    hub: Hub,
    model: Model,
    subscription: Subscription,
    behind: GapReason,
    /// One past the last offset accounted for.
    next: u64,
}

impl Bench {
    fn new(ring_items: usize, ring_bytes: usize) -> Self {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let hub = Hub::new(Limits { ring_items, ring_bytes, ..Limits::default() });
        let subscription = hub.subscribe(&general(), After::Head).unwrap();
        let epoch = subscription.position().epoch.clone();
        let model = Model { epoch, all: Vec::new(), ring_items, ring_bytes };
        Self { runtime, hub, model, subscription, behind: GapReason::Slow, next: 1 }
    }

    fn publish(&mut self, size: usize) {
        self.model.publish(size);
        let position = publish(&self.hub, &general(), &format!("{:?}", "x".repeat(size)));
        assert_eq!(position, self.model.at(self.model.all.len()));
    }

    fn read(&self, foreign: bool, offset: u64, limit: ReadLimit) -> Result<(), TestCaseError> {
        let epoch = if foreign { Epoch::new("foreign").unwrap() } else { self.model.epoch.clone() };
        let from = Position { epoch, offset };
        let room = self.hub.room(&general()).unwrap();
        let batch = self.runtime.block_on(room.read_from(&from, limit, Wait::No));
        let nothing = (None, Vec::new(), from.clone());
        let expected = self.model.read(&from, limit, GapReason::Trimmed).unwrap_or(nothing);
        agree(Some(&batch), Some(expected))
    }

    fn next(&mut self, limit: ReadLimit) -> Result<(), TestCaseError> {
        let expected = self.model.read(self.subscription.position(), limit, self.behind);
        let found = self.runtime.block_on(ready(&mut self.subscription, limit));
        agree(found.as_ref(), expected)?;
        let Some(Batch { gap, items, position }) = found else { return Ok(()) };
        self.behind = GapReason::Slow;
        if let Some(Gap { from, to, position, .. }) = gap {
            // An epoch gap accounts for everything before it without naming it.
            prop_assert_eq!(from.unwrap_or(self.next), self.next);
            prop_assert_eq!(to.unwrap_or(position.offset), position.offset);
            self.next = position.offset + 1;
        }
        for stored in items {
            prop_assert_eq!(stored.offset, self.next);
            self.next += 1;
        }
        prop_assert_eq!(position.offset + 1, self.next);
        Ok(())
    }

    fn resume(&mut self, offset: u64) {
        let position = Position { epoch: self.model.epoch.clone(), offset };
        self.behind = if offset > self.model.all.len() as u64 {
            GapReason::Epoch
        } else if offset < self.model.before_oldest() as u64 {
            GapReason::Trimmed
        } else {
            GapReason::Slow
        };
        self.subscription = self.hub.subscribe(&general(), After::Position(position)).unwrap();
        self.next = offset + 1;
    }
}

proptest! {
    #[test]
    fn every_read_is_the_models_and_every_offset_is_accounted_for_once(
        ring_items in 1_usize..12,
        ring_bytes in 0_usize..1_500,
        steps in steps(),
    ) {
        let mut bench = Bench::new(ring_items, ring_bytes);
        for step in steps {
            match step {
                Step::Publish(size) => bench.publish(size),
                Step::Read(foreign, offset, limit) => bench.read(foreign, offset, limit)?,
                Step::Next(limit) => bench.next(limit)?,
                Step::Resume(offset) => bench.resume(offset),
            }
        }
        bench.next(ALL)?;
        prop_assert_eq!(bench.next, bench.model.all.len() as u64 + 1);
    }
}
