//! The real transports with one fault in one of them: what polls answer is changed on its way out. The suite that says
//! nothing about such a server checks nothing.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{StatusCode, header},
    middleware::map_response,
    response::{IntoResponse as _, Response},
};
use hub::Hub;
use transport::{ALL, Driver, Options, Spec, Target, Transport};
use wire::{Control, GapReason, Item, poll};

/// The transport that has the fault.
pub const LANE: &str = "short-polling";

/// Every tenth publication from this offset on is hit.
const HIT: u64 = 7;

/// What is wrong with the answers.
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
}

/// All transports, [`LANE`] with `fault`. Never freed.
///
/// # Panics
///
/// When there is no such lane any more.
pub fn catalog(fault: Fault) -> &'static [Spec] {
    let mut specs = ALL.to_vec();
    let broken = specs.iter_mut().find(|spec| spec.id == LANE).expect("the lane is there");
    broken.build = match fault {
        Fault::Skip => |options| Broken::build(Fault::Skip, options),
        Fault::Repeat => |options| Broken::build(Fault::Repeat, options),
        Fault::Reorder => |options| Broken::build(Fault::Reorder, options),
        Fault::DropGap => |options| Broken::build(Fault::DropGap, options),
        Fault::SilentEpoch => |options| Broken::build(Fault::SilentEpoch, options),
    };
    Vec::leak(specs)
}

#[derive(Debug)]
struct Broken {
    whole: Arc<dyn Transport>,
    fault: Fault,
}

impl Broken {
    fn build(fault: Fault, options: &Options) -> Arc<dyn Transport> {
        let whole = ALL.iter().find(|spec| spec.id == LANE).expect("the lane is there");
        Arc::new(Self { whole: (whole.build)(options), fault })
    }
}

impl Transport for Broken {
    fn routes(&self, hub: Hub) -> Router {
        let fault = self.fault;
        self.whole.routes(hub).layer(map_response(move |answer| spoil(answer, fault)))
    }

    fn driver(&self, target: Target) -> Box<dyn Driver> {
        self.whole.driver(target)
    }
}

async fn spoil(answer: Response, fault: Fault) -> Response {
    if answer.status() != StatusCode::OK {
        return answer;
    }
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
