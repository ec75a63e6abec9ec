//! One item of a stream, as a subscriber reads it: a publication or a control item.

use crate::{control::Control, publication::Publication};

/// One item of a stream.
#[derive(Debug, Clone)]
pub enum Item<'a> {
    /// Something somebody published.
    Publication(Publication<'a>),
    /// Something the stream says about itself.
    Control(Control),
}

impl<'a> Item<'a> {
    /// Reads one item. Publications begin with their offset, which no control item has.
    ///
    /// # Errors
    ///
    /// When the text is neither.
    pub fn decode(text: &'a str) -> Result<Self, serde_json::Error> {
        if text.starts_with(r#"{"offset":"#) {
            Publication::decode(text).map(Item::Publication)
        } else {
            serde_json::from_str(text).map(Item::Control)
        }
    }
}
