//! The driver of the floor.

use wire::{http1, length_prefixed};

use super::PROTOCOL;
use crate::{
    Driver, Target,
    duplex_client::{DuplexDriver, Frame, Frames, Violation},
};

/// The longest item that is read: far above what a server sends, so that a broken length is told from a large item.
const MAX_ITEM_BYTES: usize = 1024 * 1024;

pub(super) fn driver(target: Target) -> Box<dyn Driver> {
    let reader = length_prefixed::Reader::new(MAX_ITEM_BYTES);
    Box::new(DuplexDriver::new(Items { target, reader }))
}

#[derive(Debug)]
struct Items {
    target: Target,
    reader: length_prefixed::Reader,
}

impl Frames for Items {
    fn request(&self) -> String {
        // Minimal whatever the profile: no browser sends this. A session's cookie goes with it as on every lane.
        let path = self.target.path("raw", if self.target.receive { "" } else { "receive=false" });
        let host = &self.target.origin.authority;
        let cookie = self.target.headers.cookie().map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: {PROTOCOL}\r\n{cookie}\r\n")
    }

    fn accept(&self, head: &http1::Head) -> Result<(), String> {
        match head.field("upgrade") {
            Some(protocol) if protocol.eq_ignore_ascii_case(PROTOCOL) => Ok(()),
            other => Err(format!("upgraded to {other:?} instead of {PROTOCOL}")),
        }
    }

    fn next<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Result<Option<Frame<'a>>, Violation> {
        let event = self.reader.next_event(input);
        let Some(event) = event.map_err(|error| Violation { bytes: 0, reason: error.to_string() })? else {
            return Ok(None);
        };
        let bytes = event.wire_bytes();
        Ok(Some(match event {
            length_prefixed::Event::Heartbeat => {
                Frame::Heartbeat { bytes, reply: Some(vec![0; length_prefixed::HEADER_LEN]) }
            }
            length_prefixed::Event::Item(item) => {
                let text = std::str::from_utf8(item).map_err(|error| Violation { bytes, reason: error.to_string() })?;
                Frame::Item { text, bytes }
            }
        }))
    }

    fn pending(&self) -> usize {
        self.reader.pending()
    }

    fn write_item(&mut self, text: &str, out: &mut Vec<u8>) {
        length_prefixed::encode(text.as_bytes(), out);
    }

    fn write_close(&mut self, _out: &mut Vec<u8>) {
        // The end of the sending direction says it all.
    }
}
