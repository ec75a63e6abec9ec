//! HTTP both ways on one connection, and which exchange a byte belongs to.

use std::{collections::VecDeque, fmt, mem, sync::Arc};

use measure::{Category, Direction};
use wire::http1::{self, RequestReader, ResponseReader};

use crate::{
    watch::{Exchange, Watches},
    watch_row::Row,
    watch_whole::{plain, publish},
};

/// The longest head that is looked into: what the server takes.
const LIMITS: http1::Limits = http1::Limits { max_head_bytes: 16 * 1024, max_line_bytes: 4 * 1024 };

/// Requests that may wait for their answers on one connection. Servers read far fewer ahead; beyond it, requests are counted
/// without a look.
const MAX_OPEN: usize = 256;

/// Bytes that may follow a request for an upgrade before its answer. Clients wait for the answer; beyond it, they are counted
/// without a look.
const MAX_EARLY_BYTES: usize = 16 * 1024;

/// What the requests are, as far as they have come.
#[derive(Debug)]
enum Uplink {
    Http,
    /// An upgrade was asked for: whether what follows is HTTP, the answer says.
    Asking(Vec<u8>),
    Upgraded,
}

/// What the answer to a request depends on beside its own head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    Plainly,
    /// For a head: the answer has no body, whatever it says.
    ForHead,
    /// For another protocol.
    ForUpgrade,
}

/// An exchange that is not over.
#[derive(Debug)]
struct Open {
    row: usize,
    exchange: Box<dyn Exchange>,
    asks: Asks,
    /// The whole request has come.
    asked: bool,
    /// The answer has begun.
    answering: bool,
    /// The whole answer has gone.
    answered: bool,
}

/// What one connection carried, by transport. Shown every byte both ways, in the order in which they came and went; any split
/// gives the same sums.
///
/// Holds at most one head of 16 KiB and one item of [`MAX_ITEM_BYTES`](crate::watch::MAX_ITEM_BYTES) in each direction, 256
/// exchanges, and one row for each transport.
pub struct Watcher {
    watches: Arc<Watches>,
    requests: RequestReader,
    responses: ResponseReader,
    uplink: Uplink,
    open: VecDeque<Open>,
    /// The row without a transport has none.
    rows: Vec<(Option<&'static str>, Row)>,
    /// The row of the last exchange begun.
    last: Option<usize>,
    /// Directions that cannot be read any more.
    broken: [bool; Direction::ALL.len()],
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher").field("rows", &self.rows).field("open", &self.open.len()).finish_non_exhaustive()
    }
}

impl Watcher {
    /// A connection that has carried nothing.
    pub fn new(watches: Arc<Watches>) -> Self {
        Self {
            watches,
            requests: RequestReader::new(LIMITS),
            responses: ResponseReader::new(LIMITS),
            uplink: Uplink::Http,
            open: VecDeque::new(),
            rows: Vec::new(),
            last: None,
            broken: Default::default(),
        }
    }

    /// The connection carried `bytes`, after all before them.
    pub fn on_bytes(&mut self, direction: Direction, bytes: &[u8]) {
        if self.broken[direction as usize] {
            return self.stray(direction, bytes.len());
        }
        match direction {
            Direction::Up => self.up(bytes),
            Direction::Down => self.down(bytes),
        }
    }

    /// The connection is over: all that was held back is charged.
    pub fn on_end(&mut self) {
        let held = if let Uplink::Asking(early) = &self.uplink { early.len() } else { 0 };
        for (direction, pending) in
            [(Direction::Up, self.requests.pending() + held), (Direction::Down, self.responses.pending())]
        {
            if !mem::replace(&mut self.broken[direction as usize], true) {
                self.stray(direction, pending);
            }
        }
        for mut open in self.open.drain(..) {
            open.exchange.end(&mut self.rows[open.row].1);
        }
    }

    /// What it carried for each transport, those without bytes left out; none stands for requests of no transport.
    pub fn rows(&self) -> &[(Option<&'static str>, Row)] {
        &self.rows
    }

    /// The transport of the last exchange begun, when there was one and it has a transport.
    pub fn last(&self) -> Option<&'static str> {
        self.last.and_then(|row| self.rows[row].0)
    }

    fn up(&mut self, mut input: &[u8]) {
        while !input.is_empty() || matches!(self.uplink, Uplink::Http) {
            match &mut self.uplink {
                Uplink::Upgraded => {
                    if let Some(open) = self.open.back_mut() {
                        open.exchange.up(http1::Event::Upgraded(input), &mut self.rows[open.row].1);
                    }
                    return;
                }
                Uplink::Asking(early) if early.len() + input.len() <= MAX_EARLY_BYTES => {
                    return early.extend_from_slice(input);
                }
                Uplink::Asking(early) => {
                    let bytes = mem::take(early).len() + input.len();
                    self.uplink = Uplink::Http;
                    return self.break_off(Direction::Up, bytes);
                }
                Uplink::Http => {}
            }
            match self.requests.next_event(&mut input) {
                Ok(None) => return,
                Ok(Some(event)) => {
                    if let http1::Event::Head { head, .. } = event {
                        if self.open.len() == MAX_OPEN {
                            let bytes = event.wire_bytes() + input.len();
                            return self.break_off(Direction::Up, bytes);
                        }
                        let open = begin(&self.watches, head, &mut self.rows);
                        self.last = Some(open.row);
                        self.open.push_back(open);
                    }
                    let Some(open) = self.open.back_mut() else { return };
                    open.exchange.up(event, &mut self.rows[open.row].1);
                    if matches!(event, http1::Event::End) {
                        open.asked = true;
                        if open.asks == Asks::ForUpgrade && !open.answering {
                            self.uplink = Uplink::Asking(Vec::new());
                        }
                        self.drop_finished();
                    }
                }
                Err(_not_http) => {
                    let bytes = self.requests.pending() + input.len();
                    return self.break_off(Direction::Up, bytes);
                }
            }
        }
    }

    fn down(&mut self, mut input: &[u8]) {
        loop {
            let Some(open) = self.open.front_mut().filter(|open| !open.answered) else {
                // An answer to nothing, or a second one: no rule of HTTP says what it belongs to.
                if !input.is_empty() {
                    self.break_off(Direction::Down, input.len());
                }
                return;
            };
            if open.asks == Asks::ForHead && !open.answering {
                self.responses.expect_no_body();
            }
            let event = match self.responses.next_event(&mut input) {
                Ok(None) => return,
                Ok(Some(event)) => event,
                Err(_not_http) => {
                    let bytes = self.responses.pending() + input.len();
                    return self.break_off(Direction::Down, bytes);
                }
            };
            open.exchange.down(event, &mut self.rows[open.row].1);
            match event {
                http1::Event::Head { head, .. } => {
                    open.answering = true;
                    let (asks, upgraded) = (open.asks, head.status() == 101);
                    if asks == Asks::ForUpgrade {
                        self.resume(upgraded);
                    }
                }
                http1::Event::End => {
                    open.answered = true;
                    self.drop_finished();
                }
                http1::Event::Body(_) | http1::Event::Framing { .. } | http1::Event::Upgraded(_) => {}
            }
        }
    }

    /// The answer to a request for an upgrade has begun: goes on with what was held back until it was known what that is.
    fn resume(&mut self, upgraded: bool) {
        let early = if let Uplink::Asking(early) = &mut self.uplink { mem::take(early) } else { Vec::new() };
        self.uplink = if upgraded { Uplink::Upgraded } else { Uplink::Http };
        self.up(&early);
    }

    /// Lets go of exchanges whose both halves are whole.
    fn drop_finished(&mut self) {
        while let Some(mut open) = self.open.pop_front_if(|open| open.asked && open.answered) {
            open.exchange.end(&mut self.rows[open.row].1);
        }
    }

    fn break_off(&mut self, direction: Direction, bytes: usize) {
        self.broken[direction as usize] = true;
        self.stray(direction, bytes);
    }

    /// Charges what cannot be read to the exchange that it came in, or to the connection.
    fn stray(&mut self, direction: Direction, bytes: usize) {
        if bytes == 0 {
            return;
        }
        let open = match direction {
            Direction::Up => self.open.back_mut().filter(|open| !open.asked || matches!(self.uplink, Uplink::Upgraded)),
            Direction::Down => self.open.front_mut().filter(|open| !open.answered),
        };
        if let Some(open) = open {
            return open.exchange.stray(direction, bytes, &mut self.rows[open.row].1);
        }
        let (row, category) = match self.last {
            Some(row) => (row, Category::Framing),
            None => (row_of(None, &mut self.rows), Category::Handshake),
        };
        self.rows[row].1.charge(direction, category, bytes);
    }
}

fn begin(watches: &Watches, head: &http1::RequestHead, rows: &mut Vec<(Option<&'static str>, Row)>) -> Open {
    let (transport, exchange) = match watches.find(head) {
        Some((id, watch)) => (Some(id), watch.exchange(head)),
        None => (None, if is_publish(head) { publish() } else { plain() }),
    };
    let row = row_of(transport, rows);
    rows[row].1.requests += 1;
    let asks = match (head.method(), head.field("upgrade")) {
        ("HEAD", _) => Asks::ForHead,
        (_, Some(_)) => Asks::ForUpgrade,
        (_, None) => Asks::Plainly,
    };
    Open { row, exchange, asks, asked: false, answering: false, answered: false }
}

/// Whether a request publishes over HTTP, into a room or into all of a namespace.
fn is_publish(head: &http1::RequestHead) -> bool {
    let path = head.path();
    head.method() == "POST" && path.starts_with("/v1/") && path.ends_with("/messages")
}

fn row_of(transport: Option<&'static str>, rows: &mut Vec<(Option<&'static str>, Row)>) -> usize {
    let known = rows.iter().position(|(known, _)| *known == transport);
    known.unwrap_or_else(|| {
        rows.push((transport, Row::default()));
        rows.len() - 1
    })
}
