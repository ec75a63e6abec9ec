//! A plain `Vec` of everything ever published, and for whom, is the model; any order of publishing and reading by two readers
//! must agree with it.

use proptest::{collection::vec, prelude::*};
use serde_json::value::RawValue;
use tokio::runtime::{Builder, Runtime};
use wire::{After, Draft, Epoch, Gap, GapReason, Position, SessionId};

use super::{ALL, anyone, general, ready, send};
use crate::{Batch, Caller, Hub, Limits, ReadLimit, Stored, Subscription, Wait};

const READERS: usize = 2;

/// What is published: by whom, to whom and with or without echo, and a string of how many characters. A number is a
/// reader's; any other is of nobody who reads.
#[derive(Debug, Clone, Copy)]
struct Published {
    from: usize,
    to: Option<usize>,
    echo: bool,
    size: usize,
}

impl Published {
    fn is_for(self, reader: usize) -> bool {
        match self.to {
            None => self.echo || self.from != reader,
            Some(to) => to == reader || self.echo && self.from == reader,
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Publish(Published),
    /// Read once as this reader: from a foreign epoch or not, after this offset.
    Read(usize, bool, u64, ReadLimit),
    /// Go on with the reader's subscription.
    Next(usize, ReadLimit),
    /// Give the reader's subscription up and resume after this offset.
    Resume(usize, u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let limit = || (0_usize..8, 0_usize..700).prop_map(|(items, bytes)| ReadLimit { items, bytes });
    let person = || 0..=READERS;
    let to = prop_oneof![2 => Just(None), 1 => person().prop_map(Some)];
    let published = (person(), to, prop::bool::weighted(0.7), 0_usize..120)
        .prop_map(|(from, to, echo, size)| Published { from, to, echo, size });
    let step = prop_oneof![
        6 => published.prop_map(Step::Publish),
        2 => (0..READERS, prop::bool::weighted(0.1), 0_u64..40, limit())
            .prop_map(|(reader, foreign, offset, limit)| Step::Read(reader, foreign, offset, limit)),
        2 => (0..READERS, limit()).prop_map(|(reader, limit)| Step::Next(reader, limit)),
        1 => (0..READERS, 0_u64..40).prop_map(|(reader, offset)| Step::Resume(reader, offset)),
    ];
    vec(step, 0..80)
}

/// Everything ever published, and what a ring of these bounds still holds of it.
struct Model {
    epoch: Epoch,
    all: Vec<(Published, String)>,
    ring_items: usize,
    ring_bytes: usize,
}

impl Model {
    fn publish(&mut self, published: Published, to: Option<SessionId>) {
        let (offset, text) = (self.all.len() + 1, "x".repeat(published.size));
        let to = to.map(|session| format!(r#""to":"{session}","#)).unwrap_or_default();
        let json = format!(r#"{{"offset":{offset},"event":"message","from":null,{to}"at_us":7,"data":"{text}"}}"#);
        self.all.push((published, json));
    }

    /// The longest tail that fits, and always the newest one.
    fn before_oldest(&self) -> usize {
        let fits = |first: usize| {
            let held = &self.all[first..];
            let bytes: usize = held.iter().map(|(_, json)| json.len()).sum();
            held.len() <= self.ring_items && bytes <= self.ring_bytes
        };
        (0..self.all.len()).find(|first| fits(*first)).unwrap_or(self.all.len().saturating_sub(1))
    }

    fn at(&self, offset: usize) -> Position {
        Position { epoch: self.epoch.clone(), offset: offset as u64 }
    }

    /// The gap, the texts and the position that a read must give. With neither gap nor texts one that waits must wait.
    fn read(
        &self,
        reader: usize,
        from: &Position,
        limit: ReadLimit,
        behind: GapReason,
    ) -> (Option<Gap>, Vec<&str>, Position) {
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
        for (index, (published, text)) in self.all.iter().enumerate().skip(after) {
            if !published.is_for(reader) {
                continue;
            }
            let bytes: usize = items.iter().map(|item| item.len()).sum();
            let fits = items.len() < limit.items && bytes + text.len() <= limit.bytes;
            if !items.is_empty() && !fits {
                return (gap, items, self.at(index));
            }
            items.push(text);
        }
        (gap, items, self.at(self.all.len()))
    }
}

fn agree(found: &Batch, expected: (Option<Gap>, Vec<&str>, Position)) -> Result<(), TestCaseError> {
    let texts: Vec<_> = found.items.iter().map(Stored::text).collect();
    prop_assert_eq!((found.gap.clone(), texts, found.position.clone()), expected);
    Ok(())
}

/// A subscriber with the offsets it has accounted for.
struct Reader {
    caller: Caller,
    subscription: Subscription,
    behind: GapReason,
    /// One past the last offset accounted for.
    next: u64,
}

/// The hub, its model, and who reads.
struct Bench {
    runtime: Runtime,
    hub: Hub,
    model: Model,
    readers: [Reader; READERS],
    stranger: Caller,
}

impl Bench {
    fn new(ring_items: usize, ring_bytes: usize) -> Self {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let hub = Hub::new(Limits { ring_items, ring_bytes, ..Limits::default() });
        let readers = [(); READERS].map(|()| {
            let caller = anyone();
            let subscription = hub.subscribe(&general(), After::Head, &caller, "test").unwrap();
            Reader { caller, subscription, behind: GapReason::Slow, next: 1 }
        });
        let epoch = readers[0].subscription.position().epoch.clone();
        let model = Model { epoch, all: Vec::new(), ring_items, ring_bytes };
        Self { runtime, hub, model, readers, stranger: anyone() }
    }

    fn person(&self, index: usize) -> &Caller {
        self.readers.get(index).map_or(&self.stranger, |reader| &reader.caller)
    }

    fn publish(&mut self, published: Published) {
        let to = published.to.map(|to| self.person(to).id());
        self.model.publish(published, to);
        let data = RawValue::from_string(format!("{:?}", "x".repeat(published.size))).unwrap();
        let draft = Draft { to, echo: published.echo, ..Draft::new("message".into(), &data) };
        let position = send(&self.hub, self.person(published.from), &draft);
        assert_eq!(position, self.model.at(self.model.all.len()));
    }

    fn read(&self, reader: usize, foreign: bool, offset: u64, limit: ReadLimit) -> Result<(), TestCaseError> {
        let epoch = if foreign { Epoch::new("foreign").unwrap() } else { self.model.epoch.clone() };
        let from = Position { epoch, offset };
        let room = self.hub.room(&general()).unwrap();
        let batch = self.runtime.block_on(room.read_from(self.person(reader).id(), &from, limit, Wait::No));
        agree(&batch, self.model.read(reader, &from, limit, GapReason::Trimmed))
    }

    fn next(&mut self, index: usize, limit: ReadLimit) -> Result<(), TestCaseError> {
        let (model, reader) = (&self.model, &mut self.readers[index]);
        let expected = model.read(index, reader.subscription.position(), limit, reader.behind);
        let found = self.runtime.block_on(ready(&mut reader.subscription, limit));
        let mut offsets = Vec::new();
        if let Some(batch) = found {
            agree(&batch, expected)?;
            reader.behind = GapReason::Slow;
            if let Some(Gap { from, to, position, .. }) = batch.gap {
                // An epoch gap accounts for everything before it without naming it.
                prop_assert_eq!(from.unwrap_or(reader.next), reader.next);
                prop_assert_eq!(to.unwrap_or(position.offset), position.offset);
                reader.next = position.offset + 1;
            }
            offsets.extend(batch.items.iter().map(|stored| stored.offset));
        } else {
            prop_assert_eq!(expected, (None, Vec::new(), reader.subscription.position().clone()));
        }
        // Between what came there is nothing but what is for others, and at the end too.
        let end = reader.subscription.position().offset + 1;
        for offset in offsets.into_iter().chain([end]) {
            let passed = usize::try_from(reader.next).unwrap() - 1..usize::try_from(offset).unwrap() - 1;
            prop_assert!(model.all[passed].iter().all(|(published, _)| !published.is_for(index)));
            reader.next = if offset == end { end } else { offset + 1 };
        }
        Ok(())
    }

    fn resume(&mut self, index: usize, offset: u64) {
        let position = Position { epoch: self.model.epoch.clone(), offset };
        let behind = if offset > self.model.all.len() as u64 {
            GapReason::Epoch
        } else if offset < self.model.before_oldest() as u64 {
            GapReason::Trimmed
        } else {
            GapReason::Slow
        };
        let reader = &mut self.readers[index];
        let after = After::Position(position);
        reader.subscription = self.hub.subscribe(&general(), after, &reader.caller, "test").unwrap();
        (reader.behind, reader.next) = (behind, offset + 1);
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
                Step::Publish(published) => bench.publish(published),
                Step::Read(reader, foreign, offset, limit) => bench.read(reader, foreign, offset, limit)?,
                Step::Next(reader, limit) => bench.next(reader, limit)?,
                Step::Resume(reader, offset) => bench.resume(reader, offset),
            }
        }
        for index in 0..READERS {
            bench.next(index, ALL)?;
            prop_assert_eq!(bench.readers[index].next, bench.model.all.len() as u64 + 1);
        }
    }
}
