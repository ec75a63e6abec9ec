//! The driver: a stream of items, one text message each.

use wire::{http1, websocket::Opcode};

use crate::{
    Driver, Target,
    duplex_client::{DuplexDriver, Frame, Frames, Violation},
    websocket_client::Messages,
};

/// The code of a goodbye that has no reason (RFC 6455, section 7.4.1).
const NORMAL: u16 = 1000;

pub(super) fn driver(target: Target) -> Box<dyn Driver> {
    let messages = Messages::new(target.seed);
    Box::new(DuplexDriver::new(Feed { target, messages }))
}

#[derive(Debug)]
struct Feed {
    target: Target,
    messages: Messages,
}

impl Frames for Feed {
    fn request(&self) -> String {
        self.messages.request(&self.target, "websocket", &self.target.path("websocket", ""))
    }

    fn accept(&self, head: &http1::Head) -> Result<(), String> {
        self.messages.accept(head)
    }

    fn next<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Result<Option<Frame<'a>>, Violation> {
        self.messages.next(input)
    }

    fn pending(&self) -> usize {
        self.messages.pending()
    }

    fn write_item(&mut self, text: &str, out: &mut Vec<u8>) {
        self.messages.write(Opcode::Text, text.as_bytes(), out);
    }

    fn write_close(&mut self, out: &mut Vec<u8>) {
        self.messages.write(Opcode::Close, &NORMAL.to_be_bytes(), out);
    }
}
