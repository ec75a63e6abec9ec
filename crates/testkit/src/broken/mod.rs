//! The real transports with one fault in one of them: what polls answer, or the events of a stream, are changed on their
//! way out, or go to the wrong people. The suite that says nothing about such a server checks nothing.
//!
//! [`meddler`] has the faults that are not a lane's answers: a proxy in front of a whole server.

pub mod meddler;
mod people;

use std::{iter, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{StatusCode, header},
    middleware::{from_fn_with_state, map_response},
    response::{IntoResponse as _, Response},
};
use futures_util::{TryStreamExt as _, stream};
use hub::Hub;
use transport::{ALL, Driver, Options, Spec, Target, Transport};
use wire::{Control, GapReason, Item, poll};

/// A transport that can have the fault: one that asks.
pub const ASKING: &str = "short-polling";

/// A transport that can have the fault: one that is pushed to, each event its own piece of the body.
pub const PUSHED: &str = "sse";

/// Every tenth publication from this offset on is hit.
const HIT: u64 = 7;

/// What is wrong with a lane. The events of a stream are spoilt one by one, so [`Fault::Reorder`] spoils none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Publications are left out.
    Skip,
    /// Publications come twice.
    Repeat,
    /// Publications change places with those behind them.
    Reorder,
    /// No gap is ever told.
    DropGap,
    /// A foreign epoch is answered as if it were none.
    SilentEpoch,
    /// Who polls gets what is for any named session that polls the room. Of [`ASKING`] alone.
    Everything,
    /// A named session that has come is never seen to go. Of [`PUSHED`] alone.
    Stays,
    /// Who does not read keeps all others in the room waiting. Of [`PUSHED`] alone.
    InTurn,
}

/// All transports, `lane` with `fault`. Never freed.
///
/// # Panics
///
/// When `lane` is neither [`ASKING`] nor [`PUSHED`].
pub fn catalog(lane: &str, fault: Fault) -> &'static [Spec] {
    let mut specs = ALL.to_vec();
    let broken = specs.iter_mut().find(|spec| spec.id == lane).expect("the lane is there");
    broken.build = match lane {
        ASKING => builder::<false>(fault),
        PUSHED => builder::<true>(fault),
        _ => panic!("{lane} cannot have a fault"),
    };
    Vec::leak(specs)
}

/// A `fn` holds no values, so that what differs must be in its type.
fn builder<const IS_PUSHED: bool>(fault: Fault) -> fn(&Options) -> Arc<dyn Transport> {
    match fault {
        Fault::Skip => |options| Broken::build(IS_PUSHED, Fault::Skip, options),
        Fault::Repeat => |options| Broken::build(IS_PUSHED, Fault::Repeat, options),
        Fault::Reorder => |options| Broken::build(IS_PUSHED, Fault::Reorder, options),
        Fault::DropGap => |options| Broken::build(IS_PUSHED, Fault::DropGap, options),
        Fault::SilentEpoch => |options| Broken::build(IS_PUSHED, Fault::SilentEpoch, options),
        Fault::Everything => |options| Broken::build(IS_PUSHED, Fault::Everything, options),
        Fault::Stays => |options| Broken::build(IS_PUSHED, Fault::Stays, options),
        Fault::InTurn => |options| Broken::build(IS_PUSHED, Fault::InTurn, options),
    }
}

#[derive(Debug)]
struct Broken {
    whole: Arc<dyn Transport>,
    is_pushed: bool,
    fault: Fault,
}

impl Broken {
    fn build(is_pushed: bool, fault: Fault, options: &Options) -> Arc<dyn Transport> {
        let id = if is_pushed { PUSHED } else { ASKING };
        let whole = ALL.iter().find(|spec| spec.id == id).expect("the lane is there");
        Arc::new(Self { whole: (whole.build)(options), is_pushed, fault })
    }
}

impl Transport for Broken {
    fn routes(&self, hub: Hub) -> Router {
        let (is_pushed, fault) = (self.is_pushed, self.fault);
        let whole = self.whole.routes(hub.clone());
        match fault {
            Fault::Everything => {
                let state = (hub, people::ByRoom::default());
                return whole.layer(from_fn_with_state(state, people::everything));
            }
            Fault::Stays => {
                return whole.layer(from_fn_with_state((hub, people::ByRoom::default()), people::stays));
            }
            Fault::InTurn => return whole.layer(from_fn_with_state(people::ByRoom::default(), people::in_turn)),
            Fault::Skip | Fault::Repeat | Fault::Reorder | Fault::DropGap | Fault::SilentEpoch => {}
        }
        whole.layer(map_response(move |answer: Response| async move {
            match answer.status() {
                StatusCode::OK if is_pushed => spoil_events(answer, fault),
                StatusCode::OK => spoil(answer, fault).await,
                _ => answer,
            }
        }))
    }

    fn driver(&self, target: Target) -> Box<dyn Driver> {
        self.whole.driver(target)
    }
}

async fn spoil(answer: Response, fault: Fault) -> Response {
    let (mut parts, body) = answer.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    let Ok(body) = to_bytes(body, usize::MAX).await else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let text = String::from_utf8_lossy(&body);
    let batch = poll::Batch::decode(&text).expect("the transport answers with a batch");
    let items = batch.items.iter().map(|item| item.get()).collect();
    let mut spoilt = String::new();
    poll::encode(&batch.position, fault.spoil(items), batch.retry_after_ms, &mut spoilt);
    Response::from_parts(parts, Body::from(spoilt))
}

/// Each piece of the body is one event.
fn spoil_events(answer: Response, fault: Fault) -> Response {
    answer.map(|body| {
        let pieces = body.into_data_stream().map_ok(move |piece| {
            let times = item(&piece).map_or(1, |item| fault.spoil(vec![item]).len());
            stream::iter(iter::repeat_n(piece, times).map(Ok::<_, axum::Error>))
        });
        Body::from_stream(pieces.try_flatten())
    })
}

/// What the `data` line of an event holds.
fn item(event: &Bytes) -> Option<&str> {
    str::from_utf8(event).ok()?.lines().find_map(|line| line.strip_prefix("data: "))
}

impl Fault {
    fn spoil(self, mut items: Vec<&str>) -> Vec<&str> {
        match self {
            Self::Skip => items.retain(|item| !is_hit(item)),
            Self::Repeat => {
                items = items.into_iter().flat_map(|item| vec![item; 1 + usize::from(is_hit(item))]).collect();
            }
            Self::Reorder => {
                for index in (1..items.len()).rev() {
                    if is_hit(items[index - 1]) {
                        items.swap(index - 1, index);
                    }
                }
            }
            Self::DropGap => items.retain(|item| gap(item).is_none()),
            Self::SilentEpoch => items.retain(|item| gap(item) != Some(GapReason::Epoch)),
            // Not faults of what is answered.
            Self::Everything | Self::Stays | Self::InTurn => {}
        }
        items
    }
}

fn is_hit(item: &str) -> bool {
    matches!(Item::decode(item), Ok(Item::Publication(publication)) if publication.offset % 10 == HIT)
}

fn gap(item: &str) -> Option<GapReason> {
    match Item::decode(item) {
        Ok(Item::Control(Control::Gap(gap))) => Some(gap.reason),
        _ => None,
    }
}
