//! Who is in which room, what each is still owed out of order, and what was done.

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Write as _},
    net::TcpStream,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use wire::length_prefixed;

use super::{
    Told,
    faults::{Fate, Faults},
};

/// One subscriber.
#[derive(Debug)]
struct Subscriber {
    number: u64,
    tcp: TcpStream,
    /// The newest offset when it joined: what follows is for it, what was still on its way is not.
    after: u64,
    fates: BTreeMap<u64, Fate>,
    /// A delivery that has changed places with the next one.
    held: Option<Arc<str>>,
}

#[derive(Debug, Default)]
struct Room {
    offset: u64,
    subscribers: Vec<Subscriber>,
}

#[derive(Debug, Default)]
struct State {
    rooms: HashMap<String, Room>,
    subscribers: u64,
    told: Told,
}

/// See the file.
#[derive(Debug)]
pub(super) struct Rooms {
    faults: Faults,
    state: Mutex<State>,
}

impl Rooms {
    pub(super) fn new(faults: Faults) -> Self {
        Self { faults, state: Mutex::default() }
    }

    pub(super) fn told(&self) -> Told {
        self.state().told
    }

    /// The offset of the newest publication of a room.
    pub(super) fn offset(&self, room: &str) -> u64 {
        self.state().rooms.get(room).map_or(0, |room| room.offset)
    }

    /// The offset of a new publication of a room.
    pub(super) fn publish(&self, room: &str) -> u64 {
        let mut state = self.state();
        state.told.publications += 1;
        let room = state.rooms.entry(room.to_owned()).or_default();
        room.offset += 1;
        room.offset
    }

    /// Takes a subscriber in and writes its greeting, made for the offset after which it is delivered to; gives its number.
    pub(super) fn join(
        &self,
        room: &str,
        mut tcp: TcpStream,
        greeting: impl FnOnce(u64) -> io::Result<Vec<u8>>,
    ) -> io::Result<u64> {
        let mut state = self.state();
        let State { rooms, subscribers, .. } = &mut *state;
        let room = rooms.entry(room.to_owned()).or_default();
        let (number, after) = (*subscribers, room.offset);
        tcp.write_all(&greeting(after)?)?;
        *subscribers += 1;
        room.subscribers.push(Subscriber { number, tcp, after, fates: self.faults.of(number), held: None });
        Ok(number)
    }

    /// Forgets a subscriber.
    pub(super) fn leave(&self, room: &str, number: u64) {
        if let Some(room) = self.state().rooms.get_mut(room) {
            room.subscribers.retain(|subscriber| subscriber.number != number);
        }
    }

    /// Writes a publication to all subscribers of its room, as each one's fates have it. One that cannot be written to gets
    /// nothing more; its connection's own thread sees the end.
    pub(super) fn deliver(&self, room: &str, offset: u64, json: &Arc<str>, two_writes: bool) {
        let mut state = self.state();
        let State { rooms, told, .. } = &mut *state;
        let Some(room) = rooms.get_mut(room) else { return };
        room.subscribers.retain_mut(|subscriber| subscriber.deliver(offset, json, two_writes, told).is_ok());
    }

    /// A thread that panicked leaves counts that are still true.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscriber {
    fn deliver(&mut self, offset: u64, json: &Arc<str>, two_writes: bool, told: &mut Told) -> io::Result<()> {
        if offset <= self.after {
            return Ok(());
        }
        let owed = self.held.take();
        match self.fates.remove(&offset) {
            Some(Fate::Lost) => told.lost += 1,
            Some(Fate::Swapped) => self.held = Some(Arc::clone(json)),
            Some(Fate::Doubled) => {
                told.doubled += 1;
                for _copy in 0..2 {
                    self.write(json, two_writes, told)?;
                }
            }
            None => self.write(json, two_writes, told)?,
        }
        if let Some(owed) = owed {
            told.swapped += 1;
            self.write(&owed, two_writes, told)?;
        }
        Ok(())
    }

    fn write(&mut self, json: &str, two_writes: bool, told: &mut Told) -> io::Result<()> {
        let mut bytes = Vec::new();
        length_prefixed::encode(json.as_bytes(), &mut bytes);
        told.written += 1;
        if two_writes {
            let (length, item) = bytes.split_at(length_prefixed::HEADER_LEN);
            self.tcp.write_all(length)?;
            return self.tcp.write_all(&[item, &[0; length_prefixed::HEADER_LEN]].concat());
        }
        self.tcp.write_all(&bytes)
    }
}
