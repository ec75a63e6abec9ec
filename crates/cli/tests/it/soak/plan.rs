//! What a seed decides: who sits where, and what is published and revoked when. Pure.

use std::time::Duration;

use rand::{RngExt as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha8Rng;

/// Rooms by namespace and name; the first is the busy one.
pub(super) const ROOMS: [(&str, &str); 8] = [
    ("soak", "busy"),
    ("soak", "b"),
    ("soak", "c"),
    ("soak", "d"),
    ("soak", "e"),
    ("soak", "f"),
    ("side", "busy"),
    ("side", "b"),
];

/// Sessions that publish and stay.
pub(super) const HOSTS: usize = 20;

/// Sessions that only listen, and are ended and replaced.
pub(super) const GUESTS: usize = 8;

pub(super) const SUBSCRIBERS: usize = 200;

pub(super) const PROXIES: usize = 20;

/// Publications in each of the three windows.
const PUBLICATIONS: usize = 500;

/// How long they are made for.
const WINDOW_MS: u64 = 2500;

/// When the server goes down, in the windows in which it does.
const RESTART_MS: u64 = 300;

/// Guests that are ended in each window.
const REVOCATIONS: usize = 3;

/// Where a subscriber sits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seat {
    pub(super) room: usize,
    /// On which of the lanes it begins.
    pub(super) lane: usize,
    /// Hosts first, then guests.
    pub(super) session: Option<usize>,
    pub(super) from_earliest: bool,
    pub(super) proxy: usize,
}

/// Something that is done.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    Publish(Publish),
    /// A guest's session is ended, and another begins.
    Revoke(usize),
    /// The server is told to end, and another takes its place.
    Drain,
    /// The server is killed, and another takes its place.
    Kill,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Publish {
    pub(super) via: Via,
    pub(super) to: To,
    pub(super) keyed: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Via {
    /// By a host or somebody without a name, into this room.
    Http { author: Option<usize>, room: usize, proxy: usize },
    /// The same, into all rooms of the first namespace.
    Namespace { author: Option<usize>, proxy: usize },
    /// By this subscriber, into its room.
    Uplink { seat: usize },
}

/// For whom a publication is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    Everybody,
    Others,
    Session(usize),
}

/// The seat of the `index`-th subscriber; lanes and proxies take turns, each proxy with all lanes.
pub(super) fn seat(random: &mut ChaCha8Rng, index: usize, lanes: usize) -> Seat {
    let session = match random.random_range(0..20) {
        0..9 => Some(random.random_range(0..HOSTS)),
        9..12 => Some(HOSTS + random.random_range(0..GUESTS)),
        _ => None,
    };
    let (room, from_earliest) = (random.random_range(0..ROOMS.len()), random.random());
    Seat { room, lane: index % lanes, session, from_earliest, proxy: (index / lanes) % PROXIES }
}

/// What is done in the `window`-th of three, in order: the server drains in the second and is killed in the third.
pub(super) fn agenda(random: &mut ChaCha8Rng, seats: &[Seat], window: usize) -> Vec<(Duration, Act)> {
    let mut agenda: Vec<(u64, Act)> = Vec::new();
    match window {
        0 => {}
        1 => agenda.push((RESTART_MS, Act::Drain)),
        _ => agenda.push((RESTART_MS, Act::Kill)),
    }
    let writers: Vec<usize> = seats
        .iter()
        .enumerate()
        .filter(|(_, seat)| seat.session.is_none_or(|one| one < HOSTS))
        .map(|(at, _)| at)
        .collect();
    let busy: Vec<usize> = writers.iter().copied().filter(|at| seats[*at].room == 0).collect();
    for _ in 0..PUBLICATIONS {
        let at = random.random_range(0..WINDOW_MS);
        let publish = publish(random, seats, [&busy, &writers]);
        agenda.push((at, Act::Publish(publish)));
    }
    for _ in 0..REVOCATIONS {
        agenda.push((random.random_range(0..WINDOW_MS), Act::Revoke(HOSTS + random.random_range(0..GUESTS))));
    }
    agenda.sort_by_key(|(at, _)| *at);
    agenda.into_iter().map(|(at, act)| (Duration::from_millis(at), act)).collect()
}

fn publish(random: &mut ChaCha8Rng, seats: &[Seat], [busy, writers]: [&[usize]; 2]) -> Publish {
    let (into_busy, proxy) = (random.random_bool(0.5), random.random_range(0..PROXIES));
    let host = random.random_bool(0.7).then(|| random.random_range(0..HOSTS));
    let uplink = if into_busy { busy } else { writers }.choose(random).copied();
    let (via, author) = match (random.random_range(0..100), uplink) {
        (0..50, Some(seat)) => (Via::Uplink { seat }, seats[seat].session),
        (50..53, _) => (Via::Namespace { author: host, proxy }, host),
        _ => {
            let room = if into_busy { 0 } else { random.random_range(0..ROOMS.len()) };
            (Via::Http { author: host, room, proxy }, host)
        }
    };
    let to = match random.random_range(0..10) {
        // Who has no name is another on every connection, so that nobody could say who the others are.
        0..6 => To::Everybody,
        _ if author.is_none() => To::Everybody,
        6..8 => To::Others,
        _ => To::Session(random.random_range(0..HOSTS + GUESTS)),
    };
    Publish { via, to, keyed: random.random_bool(0.7) }
}
