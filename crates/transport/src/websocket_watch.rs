//! WebSocket frames as who looks on reads them, for all transports that carry messages in it.

use measure::Direction;
use wire::websocket::{Content, Limits, Reader, Role};

use crate::{
    watch::MAX_ITEM_BYTES,
    watch_duplex::{Frame, Frames, Unreadable},
};

/// One direction.
#[derive(Debug)]
pub(crate) struct Messages(Reader);

impl Messages {
    pub(crate) fn new(direction: Direction) -> Self {
        let from = match direction {
            Direction::Up => Role::Client,
            Direction::Down => Role::Server,
        };
        Self(Reader::new(from, Limits { max_frame_bytes: MAX_ITEM_BYTES, max_message_bytes: MAX_ITEM_BYTES }))
    }
}

impl Frames for Messages {
    fn next<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Result<Option<Frame<'a>>, Unreadable> {
        let Some(event) = self.0.next_event(input).map_err(|_error| Unreadable)? else { return Ok(None) };
        let bytes = event.wire_bytes();
        Ok(Some(match event.content {
            Content::Text(text) => Frame::Item { text, bytes },
            Content::Ping(_) | Content::Pong(_) => Frame::Heartbeat { bytes },
            Content::Binary(_) | Content::Close(_) => Frame::Other { bytes },
        }))
    }

    fn pending(&self) -> usize {
        self.0.pending()
    }
}
