//! What the bytes of an accepted connection were for, told by looking on: the server's side of the byte ledger.
//!
//! A [`Watcher`] is shown what a connection read and wrote, in order, and takes both streams apart as far as HTTP/1.1 goes. Each
//! exchange belongs to the transport whose prefix its path has, and that transport's [`Watch`] says what the bytes were
//! for, by the rules of its driver, so that both ends of a connection come to the same sums. Nothing that a watcher finds
//! changes what the connection does: what cannot be read is counted and not looked at again.
//!
//! The two ends rightly differ where only one of them can know:
//! - A request waits for its answer before it is charged, when only the answer says what it was for.
//! - A poll that asks after a position goes on: the server cannot know that a new subscriber asks it.
//! - Bytes that were written and never read are charged at the server alone, and read ones that were lost at the client alone.
//! - Polls of a session that tried to move to another carrier and did not are charged as what they carried.
//!
//! | file | holds |
//! |---|---|
//! | `watch` | the seam between connections and transports |
//! | `watch_connection` | HTTP both ways, and which exchange a byte belongs to |
//! | `watch_row` | the sums |
//! | `watch_whole` | exchanges that are judged when they are whole |
//! | `watch_duplex` | upgraded streams of frames |
//! | `poll_watch`, and `watch` in the folders | the transports |

use std::fmt;

use measure::Direction;
use wire::http1::{Event, RequestHead};

use crate::Spec;
pub use crate::{watch_connection::Watcher, watch_row::Row, watch_whole::plain};

/// The longest body, event or item that is looked into: 1 MiB, sixteen times the largest `data` by default. A connection
/// holds one in each direction at most; what is longer is counted without a look, as framing.
pub const MAX_ITEM_BYTES: usize = 1024 * 1024;

/// How a transport's exchanges are read. One for all connections of a server.
pub trait Watch: fmt::Debug + Send + Sync {
    /// An exchange begins.
    fn exchange(&self, request: &RequestHead) -> Box<dyn Exchange>;
}

/// One HTTP exchange and what it was upgraded to. Every byte that it is told of is charged to `row` once, by
/// [`Exchange::end`] at the latest.
pub trait Exchange: fmt::Debug + Send {
    /// The next piece of the request. What follows an upgrade comes as [`Event::Upgraded`].
    fn up(&mut self, event: Event<'_, RequestHead>, row: &mut Row);

    /// The next piece of the answer.
    fn down(&mut self, event: Event<'_>, row: &mut Row);

    /// Bytes of this exchange that no piece was made of: the stream ended in them, or cannot be read.
    fn stray(&mut self, direction: Direction, bytes: usize, row: &mut Row);

    /// Nothing more comes.
    fn end(&mut self, row: &mut Row);
}

/// The transports of a server, by the paths of their requests.
#[derive(Debug)]
pub struct Watches(Vec<(Spec, Box<dyn Watch>)>);

impl Watches {
    /// One watch for each transport of `catalog`.
    pub fn new(catalog: &[Spec]) -> Self {
        Self(catalog.iter().map(|spec| (*spec, (spec.watch)())).collect())
    }

    /// Whose request this is.
    pub(crate) fn find(&self, request: &RequestHead) -> Option<(&'static str, &dyn Watch)> {
        // A browser asks what it may ask before the request itself; no transport sees that.
        let belongs = |prefix: &str| request.method() != "OPTIONS" && is_below(request.path(), prefix);
        self.0.iter().find(|(spec, _)| belongs(spec.prefix)).map(|(spec, watch)| (spec.id, watch.as_ref()))
    }
}

/// Whether `path` begins with the segments of `prefix`, of which those in braces may be anything.
fn is_below(path: &str, prefix: &str) -> bool {
    let mut segments = path.split('/');
    prefix.trim_end_matches('/').split('/').all(|wanted| {
        segments.next().is_some_and(|segment| wanted == segment || (wanted.starts_with('{') && !segment.is_empty()))
    })
}

#[cfg(test)]
mod tests {
    use super::is_below;

    #[test]
    fn a_path_is_below_a_prefix_with_the_same_segments() {
        let feed = "/v1/{namespace}/{room}/feed";
        assert!(is_below("/v1/a/b/feed", feed) && is_below("/v1/a/b/feed/", feed));
        assert!(is_below("/io/", "/io/") && is_below("/io", "/io/") && is_below("/io/client.js", "/io/"));
        for other in ["/v1/a/b/feeds", "/v1/a/b", "/v1//b/feed", "/v1/a/b/c/feed", "/", ""] {
            assert!(!is_below(other, feed), "{other}");
        }
        assert!(!is_below("/iota/", "/io/"));
    }
}
