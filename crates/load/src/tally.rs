//! What comes out of drivers, counted: deliveries, bytes, requests, errors, each by its window.

use std::collections::BTreeMap;

use measure::{ByteLedger, Deliveries, Mono, Recorder, deliveries::Sequence, deliveries::Verdict};
use transport::{Delivery, Event, Out};

use crate::{
    feed::{self, Feed},
    reactor::{ClientId, Sink},
};

/// One subscriber as the tally sees it.
#[derive(Debug)]
struct Subscriber {
    room: u32,
    opened: Mono,
    /// When it is to be opened, where that is what is measured.
    due: Option<Mono>,
    /// When it was accepted.
    ready: Option<Mono>,
    /// What it has seen, by the ordinals of the feed: a server that gives one publication two offsets is not believed.
    sequence: Sequence,
    last_offset: u64,
}

/// Subscriptions that were opened in a window.
#[derive(Debug)]
pub(crate) struct Connects {
    pub(crate) due: u64,
    /// From the due instant until each stood; one that never did counts as never.
    pub(crate) time: Recorder,
    /// From the due instant until each was begun.
    pub(crate) delay: Recorder,
}

/// See the file. Clients are numbered as in the reactor: publishers first, one a room, then subscribers.
#[derive(Debug)]
pub(crate) struct Tally {
    publishers: usize,
    /// Whether publications of a room are in order when they come as they were due. Members publish over connections of
    /// their own, and only the server knows who was first.
    ordered: bool,
    subscribers: Vec<Subscriber>,
    /// None before the feed begins.
    pub(crate) feed: Option<Feed>,
    size_bytes: usize,
    /// Publishers and subscribers that were accepted.
    pub(crate) ready: usize,
    /// Deliveries still to come of publications due in the window.
    pub(crate) outstanding: u64,
    /// Of publications due in the window.
    pub(crate) deliveries: Deliveries,
    /// First deliveries of anything, whenever it was due.
    pub(crate) all_deliveries: u64,
    pub(crate) acked: u64,
    pub(crate) time_to_first: Recorder,
    /// Subscriptions that were accepted and are to end at once, where opening them is what is measured.
    pub(crate) stood: Vec<ClientId>,
    /// Of the arrival window.
    pub(crate) ledger: ByteLedger,
    pub(crate) window_deliveries: u64,
    pub(crate) requests: u64,
    pub(crate) responses_with_items: u64,
    pub(crate) violations: BTreeMap<String, u64>,
    pub(crate) errors: BTreeMap<String, u64>,
}

impl Tally {
    pub(crate) fn new(publishers: usize, size_bytes: usize, ordered: bool) -> Self {
        Self {
            publishers,
            ordered,
            subscribers: Vec::new(),
            feed: None,
            size_bytes,
            ready: 0,
            outstanding: 0,
            deliveries: Deliveries::default(),
            all_deliveries: 0,
            acked: 0,
            time_to_first: Recorder::new(),
            stood: Vec::new(),
            ledger: ByteLedger::default(),
            window_deliveries: 0,
            requests: 0,
            responses_with_items: 0,
            violations: BTreeMap::new(),
            errors: BTreeMap::new(),
        }
    }

    /// Makes the next client known as a subscriber of `room`; before it is started.
    pub(crate) fn expect_subscriber(&mut self, room: u32) {
        let (opened, sequence) = (Mono::now(), Sequence::new(0));
        self.subscribers.push(Subscriber { room, opened, due: None, ready: None, sequence, last_offset: 0 });
    }

    /// The subscriber is opened at `due`, and ends as soon as it is accepted.
    pub(crate) fn open_at(&mut self, subscriber: usize, due: Mono) {
        self.subscribers[subscriber].due = Some(due);
    }

    /// What became of the subscriptions that were due in the window.
    pub(crate) fn connects(&self) -> Connects {
        let mut connects = Connects { due: 0, time: Recorder::new(), delay: Recorder::new() };
        let in_window = |due: &Mono| self.feed.as_ref().is_some_and(|feed| feed.window.contains(*due));
        for subscriber in &self.subscribers {
            let Some(due) = subscriber.due.filter(in_window) else { continue };
            connects.due += 1;
            connects.delay.record_ns(subscriber.opened.signed_nanos_since(due));
            match subscriber.ready {
                Some(at) => connects.time.record_ns(at.signed_nanos_since(due)),
                None => connects.time.record_undelivered(1),
            }
        }
        connects
    }

    /// The feed begins: what is due in its window is expected once for every subscriber of its room.
    pub(crate) fn begin(&mut self, feed: Feed) {
        self.outstanding = feed.in_window().map(|n| feed.meant_for(n)).sum();
        self.deliveries.expected = self.outstanding;
        self.feed = Some(feed);
    }

    /// Judges the order in which the server put what one sender published: it follows from nothing that a subscriber sees.
    pub(crate) fn judge_order(&mut self) {
        let overtaken = self.feed.as_ref().map_or(0, Feed::overtaken);
        if overtaken > 0 {
            self.violations.insert("sender_overtaken".to_owned(), overtaken);
        }
    }

    fn violation(&mut self, code: &str) {
        *self.violations.entry(code.to_owned()).or_default() += 1;
    }

    pub(crate) fn error(&mut self, code: &str) {
        *self.errors.entry(code.to_owned()).or_default() += 1;
    }

    fn publisher_event(&mut self, event: &Event) {
        match event {
            Event::Ready(_) => self.ready += 1,
            Event::Acked(_) => self.acked += 1,
            Event::Refused(_) => self.error("publish_refused"),
            Event::Failed(error) => self.error(&format!("publisher_{}", error.code())),
            Event::Closed(_) => self.error("publisher_closed"),
            Event::Delivery(_) | Event::Gap(_) | Event::Exchange { .. } => {}
        }
    }

    fn subscriber_event(&mut self, index: usize, at: Mono, in_window: bool, event: &Event) {
        match event {
            Event::Ready(position) => {
                let subscriber = &mut self.subscribers[index];
                (subscriber.ready, subscriber.last_offset) = (Some(at), position.offset);
                self.time_to_first.record_ns(at.signed_nanos_since(subscriber.opened));
                self.ready += 1;
                self.stood.extend(subscriber.due.map(|_| self.publishers + index));
            }
            Event::Delivery(delivery) => self.delivery(index, at, in_window, delivery),
            // What it tells of stays lost. How many an epoch's gap is worth, nobody knows; it is not none.
            Event::Gap(gap) => self.deliveries.gaps_told += gap.missed.unwrap_or(1),
            Event::Exchange { carried } if in_window => {
                self.requests += 1;
                self.responses_with_items += u64::from(*carried > 0);
            }
            Event::Exchange { .. } => {}
            Event::Acked(ack) => {
                self.acked += 1;
                if let Some(n) = ack.reference.and_then(|n| usize::try_from(n).ok()) {
                    self.place(n, ack.position.offset);
                }
            }
            Event::Refused(_) => self.error("refused"),
            Event::Closed(close) => self.error(&format!("closed_{}", close.code)),
            Event::Failed(error) => self.error(error.code()),
        }
    }

    /// The server has told the offset of a publication. There is one only, for all who hear of it: with offsets that increase
    /// for each, all agree on the order.
    fn place(&mut self, n: usize, offset: u64) {
        let Some(known) = self.feed.as_mut().and_then(|feed| feed.offsets.get_mut(n)) else { return };
        if *known.get_or_insert(offset) != offset {
            self.violation("two_offsets");
        }
    }

    fn delivery(&mut self, index: usize, at: Mono, in_window: bool, delivery: &Delivery) {
        self.window_deliveries += u64::from(in_window);
        let subscriber = &mut self.subscribers[index];
        if subscriber.ready.is_none() {
            return self.violation("delivery_before_ready");
        }
        let in_order = delivery.offset > subscriber.last_offset;
        subscriber.last_offset = subscriber.last_offset.max(delivery.offset);
        let n = feed::number(delivery.data());
        let room = subscriber.room;
        let ours = |feed: &&mut Feed, n: usize| feed.dues.get(n).is_some_and(|due| due.room == room);
        let Some((n, feed)) = n.and_then(|n| Some((n, self.feed.as_mut().filter(|feed| ours(feed, n))?))) else {
            return self.violation("foreign_publication");
        };
        let verdict = match subscriber.sequence.delivered(feed.dues[n].ordinal) {
            Verdict::Reordered if !self.ordered => Verdict::First,
            verdict => verdict,
        };
        let expected = feed.window.contains(feed.due_at(n));
        if verdict != Verdict::Duplicate {
            feed.arrivals[n].push(at);
            self.all_deliveries += 1;
            self.outstanding = self.outstanding.saturating_sub(u64::from(expected));
        }
        if expected {
            self.deliveries.count(verdict);
        } else if verdict != Verdict::First {
            self.violation("out_of_order_outside_the_window");
        }
        if !in_order {
            self.violation("offset_not_increasing");
        }
        if verdict != Verdict::Duplicate {
            self.place(n, delivery.offset);
        }
        if delivery.data().len() != self.size_bytes {
            self.violation("changed_payload");
        }
    }
}

impl Sink for Tally {
    fn sent(&mut self, n: usize, at: Mono) {
        if let Some(feed) = &mut self.feed {
            feed.sent[n] = Some(at);
        }
    }

    fn started(&mut self, client: ClientId, at: Mono) {
        if let Some(subscriber) = client.checked_sub(self.publishers).and_then(|index| self.subscribers.get_mut(index))
        {
            subscriber.opened = at;
        }
    }

    fn take(&mut self, client: ClientId, at: Mono, out: &Out) {
        let Some(index) = client.checked_sub(self.publishers) else {
            out.events.iter().for_each(|event| self.publisher_event(event));
            return;
        };
        let in_window = self.feed.as_ref().is_some_and(|feed| feed.window.contains(at));
        for event in &out.events {
            self.subscriber_event(index, at, in_window, event);
        }
        for charge in out.charges.iter().filter(|_| in_window) {
            self.ledger.charge(charge.direction, charge.category, charge.bytes);
        }
    }
}
