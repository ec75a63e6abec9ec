//! What the bytes were for: items behind their length.

use wire::{
    http1::RequestHead,
    length_prefixed::{Event, Reader},
};

use crate::{
    watch::{Exchange, MAX_ITEM_BYTES, Watch},
    watch_duplex::{Duplex, Frame, Frames, Items, Unreadable},
};

/// See the file.
#[derive(Debug)]
pub(super) struct Feeds;

impl Watch for Feeds {
    fn exchange(&self, _request: &RequestHead) -> Box<dyn Exchange> {
        Duplex::of(|_direction| Prefixed(Reader::new(MAX_ITEM_BYTES)), Items::default())
    }
}

/// One direction.
#[derive(Debug)]
struct Prefixed(Reader);

impl Frames for Prefixed {
    fn next<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Result<Option<Frame<'a>>, Unreadable> {
        let Some(event) = self.0.next_event(input).map_err(|_oversize| Unreadable)? else { return Ok(None) };
        let bytes = event.wire_bytes();
        Ok(Some(match event {
            Event::Heartbeat => Frame::Heartbeat { bytes },
            Event::Item(item) => {
                str::from_utf8(item).map_or(Frame::Other { bytes }, |text| Frame::Item { text, bytes })
            }
        }))
    }

    fn pending(&self) -> usize {
        self.0.pending()
    }
}
