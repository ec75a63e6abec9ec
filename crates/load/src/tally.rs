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
    /// Whether it was accepted.
    ready: bool,
    /// What it has seen, by the ordinals of the feed: a server that gives one publication two offsets is not believed.
    sequence: Sequence,
    last_offset: u64,
}

/// See the file. Clients are numbered as in the reactor: publishers first, one a room, then subscribers.
#[derive(Debug)]
pub(crate) struct Tally {
    publishers: usize,
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
    /// Of the arrival window.
    pub(crate) ledger: ByteLedger,
    pub(crate) window_deliveries: u64,
    pub(crate) requests: u64,
    pub(crate) responses_with_items: u64,
    pub(crate) violations: BTreeMap<String, u64>,
    pub(crate) errors: BTreeMap<String, u64>,
}

impl Tally {
    pub(crate) fn new(publishers: usize, size_bytes: usize) -> Self {
        Self {
            publishers,
            subscribers: Vec::new(),
            feed: None,
            size_bytes,
            ready: 0,
            outstanding: 0,
            deliveries: Deliveries::default(),
            all_deliveries: 0,
            acked: 0,
            time_to_first: Recorder::new(),
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
        let sequence = Sequence::new(0);
        self.subscribers.push(Subscriber { room, opened: Mono::now(), ready: false, sequence, last_offset: 0 });
    }

    /// The feed begins: what is due in its window is expected once for every subscriber of its room.
    pub(crate) fn begin(&mut self, feed: Feed) {
        self.outstanding = feed.in_window().map(|n| feed.meant_for(n)).sum();
        self.deliveries.expected = self.outstanding;
        self.feed = Some(feed);
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
                (subscriber.ready, subscriber.last_offset) = (true, position.offset);
                self.time_to_first.record_ns(at.signed_nanos_since(subscriber.opened));
                self.ready += 1;
            }
            Event::Delivery(delivery) => self.delivery(index, at, in_window, delivery),
            // What it tells of stays lost. How many an epoch's gap is worth, nobody knows; it is not none.
            Event::Gap(gap) => self.deliveries.gaps_told += gap.missed.unwrap_or(1),
            Event::Exchange { carried } if in_window => {
                self.requests += 1;
                self.responses_with_items += u64::from(*carried > 0);
            }
            Event::Exchange { .. } | Event::Acked(_) => {}
            Event::Refused(_) => self.error("refused"),
            Event::Closed(close) => self.error(&format!("closed_{}", close.code)),
            Event::Failed(error) => self.error(error.code()),
        }
    }

    fn delivery(&mut self, index: usize, at: Mono, in_window: bool, delivery: &Delivery) {
        self.window_deliveries += u64::from(in_window);
        let subscriber = &mut self.subscribers[index];
        if !subscriber.ready {
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
        let verdict = subscriber.sequence.delivered(feed.dues[n].ordinal);
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
