//! What the bytes were for: the events in an endless answer.

use measure::{Category, Direction};
use wire::{
    http1::{self, RequestHead},
    sse,
};

use super::{HEARTBEAT, HELLO};
use crate::{
    watch::{Exchange, MAX_ITEM_BYTES, Row, Watch},
    watch_duplex::publication,
};

/// See the file.
#[derive(Debug)]
pub(super) struct Streams;

impl Watch for Streams {
    fn exchange(&self, _request: &RequestHead) -> Box<dyn Exchange> {
        Box::new(Stream { parser: sse::Reader::new(MAX_ITEM_BYTES), answered: false, ready: false, broken: false })
    }
}

#[derive(Debug)]
struct Stream {
    parser: sse::Reader,
    /// Whether the body is events; a refusal's is not.
    answered: bool,
    /// Whether the hello has gone.
    ready: bool,
    broken: bool,
}

impl Stream {
    fn category(&self, usual: Category) -> Category {
        if self.ready { usual } else { Category::Handshake }
    }

    fn events(&mut self, mut piece: &[u8], row: &mut Row) {
        while !self.broken {
            let framing = self.category(Category::Framing);
            let event = match self.parser.next_event(&mut piece) {
                Ok(None) => return,
                Ok(Some(event)) => event,
                Err(_oversize) => {
                    self.broken = true;
                    row.charge(Direction::Down, framing, self.parser.pending());
                    break;
                }
            };
            let bytes = event.wire_bytes();
            let heartbeat = if self.ready { Category::Heartbeat } else { Category::Handshake };
            let sse::Event::Message { event: name, data, .. } = event else {
                row.charge(Direction::Down, heartbeat, bytes);
                continue;
            };
            // Longer than its bytes is what was not UTF-8.
            let carried = publication(data).filter(|_| self.ready && data.len() <= bytes);
            if let Some((payload, envelope)) = carried {
                row.deliveries += 1;
                row.charge(Direction::Down, Category::Payload, payload);
                row.charge(Direction::Down, Category::Envelope, envelope);
                row.charge(Direction::Down, Category::Framing, bytes - payload - envelope);
            } else {
                row.charge(Direction::Down, if name == HEARTBEAT { heartbeat } else { framing }, bytes);
                self.ready |= name == HELLO;
            }
        }
        row.charge(Direction::Down, self.category(Category::Framing), piece.len());
    }
}

impl Exchange for Stream {
    fn up(&mut self, event: http1::Event<'_, RequestHead>, row: &mut Row) {
        row.charge(Direction::Up, Category::Handshake, event.wire_bytes());
    }

    fn down(&mut self, event: http1::Event<'_>, row: &mut Row) {
        let bytes = event.wire_bytes();
        match event {
            http1::Event::Head { head, .. } => {
                self.answered = head.status() == 200;
                row.charge(Direction::Down, Category::Handshake, bytes);
            }
            http1::Event::Body(piece) if self.answered => self.events(piece, row),
            _ => row.charge(Direction::Down, self.category(Category::Framing), bytes),
        }
    }

    fn stray(&mut self, direction: Direction, bytes: usize, row: &mut Row) {
        let category = match direction {
            Direction::Up => Category::Handshake,
            Direction::Down => self.category(Category::Framing),
        };
        row.charge(direction, category, bytes);
    }

    fn end(&mut self, row: &mut Row) {
        if !self.broken {
            self.stray(Direction::Down, self.parser.pending(), row);
        }
    }
}
