//! Upgraded streams of frames, whatever their frames and whatever is in them.

use std::fmt;

use measure::{Category, Direction};
use wire::{
    Control, Item,
    http1::{Event, RequestHead},
    uplink::Uplink,
};

use crate::{watch::Exchange, watch_row::Row};

/// One frame.
pub(crate) enum Frame<'a> {
    /// An item of `text`, in a frame of so many bytes.
    Item { text: &'a str, bytes: usize },
    /// A sign of life.
    Heartbeat { bytes: usize },
    /// Anything else.
    Other { bytes: usize },
}

/// Frames cannot be told apart any more.
pub(crate) struct Unreadable;

/// How items stand in one direction of the stream.
pub(crate) trait Frames: fmt::Debug + Send {
    /// Takes the next frame off the front of `input`.
    fn next<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Result<Option<Frame<'a>>, Unreadable>;

    /// Bytes taken that belong to no frame yet.
    fn pending(&self) -> usize;
}

/// What is in the frames.
pub(crate) trait Speech: fmt::Debug + Send {
    /// What bytes are for that would be `usual` once the subscription stands.
    fn category(&self, usual: Category) -> Category;

    /// Charges the `bytes` of the frame that carried `text`.
    fn item(&mut self, direction: Direction, text: &str, bytes: usize, row: &mut Row);
}

/// See the file. All bytes before the upgrade are the handshake's.
#[derive(Debug)]
pub(crate) struct Duplex<F, S> {
    /// By direction.
    frames: [F; Direction::ALL.len()],
    broken: [bool; Direction::ALL.len()],
    speech: S,
}

impl<F: Frames + 'static, S: Speech + 'static> Duplex<F, S> {
    /// `frames` makes the reader of a direction.
    pub(crate) fn of(frames: fn(Direction) -> F, speech: S) -> Box<dyn Exchange> {
        Box::new(Self { frames: Direction::ALL.map(frames), broken: Default::default(), speech })
    }

    fn piece(&mut self, direction: Direction, mut input: &[u8], row: &mut Row) {
        let (frames, broken) = (&mut self.frames[direction as usize], &mut self.broken[direction as usize]);
        while !*broken {
            let (usual, bytes) = match frames.next(&mut input) {
                Ok(None) => return,
                Ok(Some(Frame::Item { text, bytes })) => {
                    self.speech.item(direction, text, bytes, row);
                    continue;
                }
                Ok(Some(Frame::Heartbeat { bytes })) => (Category::Heartbeat, bytes),
                Ok(Some(Frame::Other { bytes })) => (Category::Framing, bytes),
                Err(Unreadable) => {
                    *broken = true;
                    (Category::Framing, frames.pending())
                }
            };
            row.charge(direction, self.speech.category(usual), bytes);
        }
        row.charge(direction, self.speech.category(Category::Framing), input.len());
    }
}

impl<F: Frames + 'static, S: Speech + 'static> Exchange for Duplex<F, S> {
    fn up(&mut self, event: Event<'_, RequestHead>, row: &mut Row) {
        match event {
            Event::Upgraded(piece) => self.piece(Direction::Up, piece, row),
            other => row.charge(Direction::Up, Category::Handshake, other.wire_bytes()),
        }
    }

    fn down(&mut self, event: Event<'_>, row: &mut Row) {
        match event {
            Event::Upgraded(piece) => self.piece(Direction::Down, piece, row),
            other => row.charge(Direction::Down, Category::Handshake, other.wire_bytes()),
        }
    }

    fn stray(&mut self, direction: Direction, bytes: usize, row: &mut Row) {
        row.charge(direction, self.speech.category(Category::Framing), bytes);
    }

    fn end(&mut self, row: &mut Row) {
        for direction in Direction::ALL {
            if !self.broken[direction as usize] {
                self.stray(direction, self.frames[direction as usize].pending(), row);
            }
        }
    }
}

/// How many bytes of a publication's JSON are `data`, and how many are the rest; none when the text is no publication.
pub(crate) fn publication(text: &str) -> Option<(usize, usize)> {
    let Ok(Item::Publication(publication)) = Item::decode(text) else { return None };
    let payload = publication.data.get().len();
    Some((payload, text.len() - payload))
}

/// The items of the feed's own two-way streams.
#[derive(Debug, Default)]
pub(crate) struct Items {
    /// Whether the hello has gone.
    ready: bool,
}

impl Speech for Items {
    fn category(&self, usual: Category) -> Category {
        if self.ready { usual } else { Category::Handshake }
    }

    fn item(&mut self, direction: Direction, text: &str, bytes: usize, row: &mut Row) {
        let carried = match direction {
            Direction::Down => publication(text).filter(|_| self.ready),
            Direction::Up => serde_json::from_str::<Uplink<'_>>(text).ok().map(|uplink| {
                let payload = uplink.publish.data.get().len();
                (payload, text.len() - payload)
            }),
        };
        let Some((payload, envelope)) = carried else {
            row.charge(direction, self.category(Category::Framing), bytes);
            let is_hello = matches!(serde_json::from_str(text), Ok(Control::Hello(_)));
            self.ready |= direction == Direction::Down && is_hello;
            return;
        };
        row.charge(direction, Category::Payload, payload);
        row.charge(direction, Category::Envelope, envelope);
        row.charge(direction, Category::Framing, bytes - payload - envelope);
        row.deliveries += u64::from(direction == Direction::Down);
    }
}
