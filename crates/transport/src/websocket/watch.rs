//! What the bytes were for: items in messages.

use wire::http1::RequestHead;

use crate::{
    watch::{Exchange, Watch},
    watch_duplex::{Duplex, Items},
    websocket_watch::Messages,
};

/// See the file.
#[derive(Debug)]
pub(super) struct Feeds;

impl Watch for Feeds {
    fn exchange(&self, _request: &RequestHead) -> Box<dyn Exchange> {
        Duplex::of(Messages::new, Items::default())
    }
}
