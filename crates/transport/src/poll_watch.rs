//! What the bytes of asked-for batches were for, told by the answer.

use measure::{Category, Direction};
use wire::{Position, http1::RequestHead, poll::Batch};

use crate::{
    watch::{Exchange, Watch, plain},
    watch_duplex::publication,
    watch_row::Row,
    watch_whole::{Judge, Message, Whole},
};

/// See the file.
#[derive(Debug)]
pub(crate) struct Polls;

impl Watch for Polls {
    fn exchange(&self, request: &RequestHead) -> Box<dyn Exchange> {
        if request.method() == "GET" { Whole::of(Poll { goes_on: asks_after_a_position(request) }) } else { plain() }
    }
}

fn asks_after_a_position(request: &RequestHead) -> bool {
    let query = request.target().split_once('?').map_or("", |(_path, query)| query);
    let is_position = |value: &str| value.parse::<Position>().is_ok();
    query.split('&').filter_map(|member| member.strip_prefix("after=")).any(is_position)
        || request.field("if-none-match").is_some()
}

#[derive(Debug)]
struct Poll {
    /// Whether a poll came before; the first without publications is the handshake.
    goes_on: bool,
}

impl Poll {
    fn empty(&self) -> Category {
        if self.goes_on { Category::EmptyPolls } else { Category::Handshake }
    }
}

impl Judge for Poll {
    fn asked(&mut self, _request: &Message, _row: &mut Row) -> bool {
        false
    }

    fn answered(&mut self, request: Option<&Message>, answer: &Message, row: &mut Row) {
        let asked = request.map_or(0, Message::bytes);
        let batch = str::from_utf8(&answer.body).ok().filter(|_| answer.status == 200);
        let batch = batch.and_then(|text| Batch::decode(text).ok());
        let (mut carried, mut payload, mut envelope) = (0, 0, 0);
        for item in batch.iter().flat_map(|batch| &batch.items) {
            if let Some((data, rest)) = publication(item.get()) {
                carried += 1;
                payload += data;
                envelope += rest;
            }
        }
        if carried == 0 {
            row.charge(Direction::Up, self.empty(), asked);
            return row.charge(Direction::Down, self.empty(), answer.bytes());
        }
        row.deliveries += carried;
        row.charge(Direction::Up, Category::HttpHead, asked);
        row.charge(Direction::Down, Category::HttpHead, answer.head_bytes);
        row.charge(Direction::Down, Category::Payload, payload);
        row.charge(Direction::Down, Category::Envelope, envelope);
        row.charge(Direction::Down, Category::Framing, answer.bytes() - answer.head_bytes - payload - envelope);
    }

    fn cut(&self, direction: Direction, bytes: usize, row: &mut Row) {
        row.charge(direction, self.empty(), bytes);
    }
}
