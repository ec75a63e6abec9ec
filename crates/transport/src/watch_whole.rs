//! Exchanges whose bytes are judged when a half of them is whole, and those that no transport knows.

use std::{fmt, mem};

use measure::{Category, Direction};
use wire::{
    Draft,
    http1::{Event, RequestHead},
};

use crate::{
    watch::{Exchange, MAX_ITEM_BYTES},
    watch_row::Row,
};

/// A request or an answer.
#[derive(Debug, Default)]
pub(crate) struct Message {
    /// Of an answer.
    pub(crate) status: u16,
    pub(crate) head_bytes: usize,
    /// Bytes of chunk lines, of what cannot be read, and of what is too long to be kept.
    pub(crate) framing_bytes: usize,
    pub(crate) body: Vec<u8>,
    /// The body is longer than is kept.
    too_long: bool,
    whole: bool,
}

impl Message {
    pub(crate) fn bytes(&self) -> usize {
        self.head_bytes + self.framing_bytes + self.body.len()
    }

    fn take<H>(&mut self, event: Event<'_, H>) {
        match event {
            Event::Head { bytes, .. } => self.head_bytes += bytes,
            Event::Framing { bytes } => self.framing_bytes += bytes,
            Event::Body(piece) if !self.too_long && self.body.len() + piece.len() <= MAX_ITEM_BYTES => {
                self.body.extend_from_slice(piece);
            }
            Event::Body(piece) | Event::Upgraded(piece) => {
                self.too_long = true;
                self.framing_bytes += mem::take(&mut self.body).len() + piece.len();
            }
            Event::End => self.whole = true,
        }
    }
}

/// Says what the bytes of an exchange were for.
pub(crate) trait Judge: fmt::Debug + Send {
    /// The request is whole. Gives whether its bytes are charged; if not, the answer decides.
    fn asked(&mut self, request: &Message, row: &mut Row) -> bool;

    /// The answer is whole. A request that is not charged yet goes with it.
    fn answered(&mut self, request: Option<&Message>, answer: &Message, row: &mut Row);

    /// What bytes of a half are for that will not be whole.
    fn cut(&self, direction: Direction, bytes: usize, row: &mut Row);
}

/// See the file.
#[derive(Debug, Default)]
pub(crate) struct Whole<J> {
    judge: J,
    request: Message,
    /// Whether the request's bytes are charged, all but what came after it.
    charged: bool,
    answer: Message,
    /// Whether the answer's are, and with it all.
    over: bool,
}

impl<J: Judge + 'static> Whole<J> {
    pub(crate) fn of(judge: J) -> Box<dyn Exchange> {
        Box::new(Self { judge, request: Message::default(), charged: false, answer: Message::default(), over: false })
    }

    /// Judges the answer, when both halves are whole: an answer may overtake what is left of its request.
    fn judge(&mut self, row: &mut Row) {
        if self.request.whole && self.answer.whole && !self.over {
            let request = Some(&self.request).filter(|_| !self.charged);
            self.judge.answered(request, &self.answer, row);
            self.over = true;
        }
    }
}

impl<J: Judge + 'static> Exchange for Whole<J> {
    fn up(&mut self, event: Event<'_, RequestHead>, row: &mut Row) {
        let was_whole = self.request.whole;
        self.request.take(event);
        if was_whole || !self.request.whole {
            return;
        }
        self.charged = self.judge.asked(&self.request, row);
        if self.charged {
            // An upgrade may follow, of which nobody here knows.
            self.request = Message { whole: true, ..Message::default() };
        } else {
            // Many may wait for their answers.
            let body = mem::take(&mut self.request.body);
            self.request.framing_bytes += body.len();
        }
        self.judge(row);
    }

    fn down(&mut self, event: Event<'_>, row: &mut Row) {
        if let Event::Head { head, .. } = event {
            self.answer.status = head.status();
        }
        self.answer.take(event);
        self.judge(row);
    }

    fn stray(&mut self, direction: Direction, bytes: usize, _row: &mut Row) {
        match direction {
            Direction::Up => self.request.framing_bytes += bytes,
            Direction::Down => self.answer.framing_bytes += bytes,
        }
    }

    fn end(&mut self, row: &mut Row) {
        if !self.over {
            self.judge.cut(Direction::Up, self.request.bytes(), row);
            self.judge.cut(Direction::Down, self.answer.bytes(), row);
        }
    }
}

/// An exchange that carries nothing of a feed, such as a page's files or what comes before a subscription: all of it is the
/// handshake's.
pub fn plain() -> Box<dyn Exchange> {
    Whole::of(Plain)
}

#[derive(Debug)]
struct Plain;

impl Judge for Plain {
    fn asked(&mut self, request: &Message, row: &mut Row) -> bool {
        row.charge(Direction::Up, Category::Handshake, request.bytes());
        true
    }

    fn answered(&mut self, _request: Option<&Message>, answer: &Message, row: &mut Row) {
        row.charge(Direction::Down, Category::Handshake, answer.bytes());
    }

    fn cut(&self, direction: Direction, bytes: usize, row: &mut Row) {
        row.charge(direction, Category::Handshake, bytes);
    }
}

/// A publish by a request of its own, whatever transport its publisher listens on.
pub(crate) fn publish() -> Box<dyn Exchange> {
    Whole::of(Publish)
}

#[derive(Debug)]
struct Publish;

impl Judge for Publish {
    fn asked(&mut self, request: &Message, row: &mut Row) -> bool {
        let draft = serde_json::from_slice::<Draft<'_>>(&request.body);
        let payload = draft.map_or(0, |draft| draft.data.get().len());
        row.charge(Direction::Up, Category::HttpHead, request.head_bytes);
        row.charge(Direction::Up, Category::Payload, payload);
        row.charge(Direction::Up, Category::Envelope, request.body.len() - payload);
        row.charge(Direction::Up, Category::Framing, request.framing_bytes);
        true
    }

    fn answered(&mut self, _request: Option<&Message>, answer: &Message, row: &mut Row) {
        row.charge(Direction::Down, Category::HttpHead, answer.head_bytes);
        row.charge(Direction::Down, Category::Framing, answer.framing_bytes + answer.body.len());
    }

    fn cut(&self, direction: Direction, bytes: usize, row: &mut Row) {
        row.charge(direction, Category::Framing, bytes);
    }
}
