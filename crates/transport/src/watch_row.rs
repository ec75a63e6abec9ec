//! The sums of one transport: on one connection, or over many.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use measure::{ByteLedger, Category, Direction};

/// Questions that one row may have open. An answer comes within seconds; beyond this many the oldest counts as answered by
/// no, so that nothing grows with sessions that never answer.
const MAX_UNDECIDED: usize = 16;

/// What a connection carried for one transport. Starts at zero.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// HTTP exchanges begun, upgrades among them.
    pub requests: u64,
    /// Publications written down, whether or not the other end has read them.
    pub deliveries: u64,
    ledger: ByteLedger,
    /// Bytes that are the handshake's should their question be answered by yes.
    undecided: Vec<(Arc<AtomicBool>, ByteLedger)>,
}

impl Row {
    /// Puts `bytes` into exactly one category.
    pub fn charge(&mut self, direction: Direction, category: Category, bytes: usize) {
        self.ledger.charge(direction, category, bytes as u64);
    }

    /// The same, but they are the handshake's if `handshake` is true already or comes true later.
    pub fn charge_unless(
        &mut self,
        handshake: &Arc<AtomicBool>,
        direction: Direction,
        category: Category,
        bytes: usize,
    ) {
        let mut ledger = ByteLedger::default();
        ledger.charge(direction, category, bytes as u64);
        self.ask(handshake, &ledger);
    }

    /// Adds what another row holds.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.deliveries += other.deliveries;
        self.ledger.add(&other.ledger);
        for (question, ledger) in &other.undecided {
            self.ask(question, ledger);
        }
    }

    /// The bytes by what is known now. Those of an undecided question may be the handshake's later; the sum stays.
    pub fn ledger(&self) -> ByteLedger {
        let mut ledger = self.ledger;
        for (question, undecided) in &self.undecided {
            ledger.add(&decided(question, undecided));
        }
        ledger
    }

    fn ask(&mut self, question: &Arc<AtomicBool>, ledger: &ByteLedger) {
        if let Some((_, known)) = self.undecided.iter_mut().find(|(known, _)| Arc::ptr_eq(known, question)) {
            return known.add(ledger);
        }
        if self.undecided.len() == MAX_UNDECIDED {
            let (oldest, bytes) = self.undecided.remove(0);
            self.ledger.add(&decided(&oldest, &bytes));
        }
        self.undecided.push((Arc::clone(question), *ledger));
    }
}

fn decided(question: &AtomicBool, ledger: &ByteLedger) -> ByteLedger {
    if !question.load(Ordering::Relaxed) {
        return *ledger;
    }
    let mut handshake = ByteLedger::default();
    for direction in Direction::ALL {
        handshake.charge(direction, Category::Handshake, ledger.total(direction));
    }
    handshake
}
