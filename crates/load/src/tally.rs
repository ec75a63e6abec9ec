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
    /// What it has seen; none before it was accepted.
    sequence: Option<Sequence>,
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
    pub(crate) acked: u64,
    pub(crate) time_to_first: Recorder,
    /// Of the arrival window.
    pub(crate) ledger: ByteLedger,
    pub(crate) window_deliveries: u64,
    pub(crate) requests: u64,
    pub(crate) responses_with_items: u64,
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
            acked: 0,
            time_to_first: Recorder::new(),
            ledger: ByteLedger::default(),
            window_deliveries: 0,
            requests: 0,
            responses_with_items: 0,
            errors: BTreeMap::new(),
        }
    }

    /// Makes the next client known as a subscriber of `room`; before it is started.
    pub(crate) fn expect_subscriber(&mut self, room: u32) {
        self.subscribers.push(Subscriber { room, opened: Mono::now(), sequence: None });
    }

    /// Subscribers of a room.
    pub(crate) fn subscribers_of(&self, room: u32) -> u32 {
        let of_room = self.subscribers.iter().filter(|subscriber| subscriber.room == room).count();
        u32::try_from(of_room).unwrap_or(u32::MAX)
    }

    /// The feed begins: what is due in its window is expected once for every subscriber of its room.
    pub(crate) fn begin(&mut self, feed: Feed) {
        let mut of_room = vec![0_u64; self.publishers];
        for subscriber in &self.subscribers {
            of_room[subscriber.room as usize] += 1;
        }
        self.outstanding = feed.in_window().map(|n| of_room[feed.dues[n].room as usize]).sum();
        self.deliveries.expected = self.outstanding;
        self.feed = Some(feed);
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
                subscriber.sequence = Some(Sequence::new(position.offset));
                self.time_to_first.record_ns(at.signed_nanos_since(subscriber.opened));
                self.ready += 1;
            }
            Event::Delivery(delivery) => self.delivery(index, at, in_window, delivery),
            Event::Gap(gap) => {
                self.deliveries.gaps_told += gap.missed.unwrap_or(1);
                if let (Some(sequence), Some(to)) = (&mut self.subscribers[index].sequence, gap.to) {
                    sequence.gap(to);
                }
            }
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
        let verdict = subscriber.sequence.as_mut().map(|sequence| sequence.delivered(delivery.offset));
        let n = feed::number(delivery.data());
        let room = subscriber.room;
        let ours = |feed: &&mut Feed, n: usize| feed.dues.get(n).is_some_and(|due| due.room == room);
        let (Some(verdict), Some(n)) = (verdict, n) else { return self.error("foreign_publication") };
        let Some(feed) = self.feed.as_mut().filter(|feed| ours(feed, n)) else {
            return self.error("foreign_publication");
        };
        let expected = feed.window.contains(feed.dues[n].at);
        if verdict != Verdict::Duplicate {
            feed.arrivals[n].push(at);
            self.outstanding -= u64::from(expected);
        }
        if expected {
            self.deliveries.count(verdict);
        } else if verdict != Verdict::First {
            self.error("out_of_order_outside_the_window");
        }
        if delivery.data().len() != self.size_bytes {
            self.error("changed_payload");
        }
    }
}

impl Sink for Tally {
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
