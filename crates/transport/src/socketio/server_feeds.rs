//! Feeds over Socket.IO: a namespace is a feed's namespace, a room is a room, and publications are events.

use std::{borrow::Cow, future, pin::Pin};

use axum::http::StatusCode;
use bytes::Bytes;
use futures_util::{FutureExt as _, stream};
use hub::{Batch, Caller, Hub, SessionError, Stored};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio_stream::{Stream, StreamExt as _, StreamMap};
use wire::{After, Close, Control, Draft, Hello, Position, Publication, RoomName, SessionId};

use super::{
    SPEC,
    server_carrier::Outbox,
    server_sockets::{Event, Handler, Reason, Refusal, acknowledge, emit, event_packet},
};
use crate::answer::Refused;

/// Which of a publication's kept forms is the packet of its event.
const FORM: usize = 1;

/// How many characters of a parser's complaint are passed on.
const MAX_QUOTED: usize = 200;

/// The feed namespace of the main namespace.
const DEFAULT: &str = "default";

/// What the rooms of a session bring, batch by batch.
type Batches = Pin<Box<dyn Stream<Item = Batch> + Send>>;

/// A subscription of a session: the namespace as Socket.IO has it, and the room.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    namespace: Box<str>,
    room: RoomName,
}

/// See the file.
pub(super) struct Feeds {
    hub: Hub,
    caller: Caller,
    places: StreamMap<Place, Batches>,
}

/// What a client that connects says. Other members are its own.
#[derive(Debug, Default, Deserialize)]
#[serde(expecting = "an object")]
struct Auth<'a> {
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    #[serde(borrow)]
    after: Option<Cow<'a, str>>,
}

/// Unknown members are refused here and below, so that a misspelt one is not lost in silence.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Join<'a> {
    #[serde(borrow)]
    room: Cow<'a, str>,
    #[serde(borrow)]
    after: Option<Cow<'a, str>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Leave<'a> {
    #[serde(borrow)]
    room: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Publish<'a> {
    #[serde(borrow)]
    room: Cow<'a, str>,
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
    to: Option<SessionId>,
    echo: Option<bool>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
}

/// The answer to an event.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Position(Position),
    Error(Reason),
    #[serde(untagged)]
    Done {},
}

impl Feeds {
    pub(super) fn new(hub: Hub, caller: Caller) -> Self {
        Self { hub, caller, places: StreamMap::new() }
    }

    /// Subscribes to a room: the hello goes into `out`, all after its position follows.
    fn join(
        &mut self,
        namespace: &str,
        room: &str,
        after: Option<&str>,
        out: &mut Outbox,
    ) -> Result<Position, Refused> {
        let place = Place { namespace: namespace.into(), room: RoomName::new(feed_namespace(namespace)?, room)? };
        let limits = self.hub.limits();
        if self.places.contains_key(&place) {
            let detail = format!("this socket is in room {room:?} already; leave it first to start elsewhere");
            return Err(Refused::new(StatusCode::CONFLICT, "joined-already", detail));
        }
        if self.places.len() >= limits.session_rooms {
            let detail = format!("a session may be in {} rooms; leave one first", limits.session_rooms);
            return Err(Refused::new(StatusCode::TOO_MANY_REQUESTS, "too-many-rooms", detail));
        }
        let after = after.map_or(Ok(After::Head), str::parse)?;
        let subscription = self.hub.subscribe(&place.room, after, &self.caller, SPEC.id)?;
        let position = subscription.position().clone();
        let heartbeat_ms = u64::try_from(limits.heartbeat.as_millis()).unwrap_or(u64::MAX);
        let hello = Hello { position: position.clone(), session: self.caller.id().to_string(), heartbeat_ms };
        emit_control("hello", &Control::Hello(hello), &place, out);
        let limit = limits.piece();
        let batches = stream::unfold(subscription, move |mut subscription| async move {
            let batch = subscription.next(limit).await;
            Some((batch, subscription))
        });
        self.places.insert(place, Box::pin(batches));
        Ok(position)
    }

    fn answer(&mut self, event: &Event<'_>, out: &mut Outbox) -> Result<Answer, Refused> {
        let Event { namespace, name, arguments, attachments, .. } = event;
        if !attachments.is_empty() {
            return Err(Refused::bad_request("binary", "binary payloads are not carried; send JSON"));
        }
        match *name {
            "join" => {
                let Join { room, after } = argument(arguments, r#"emit("join", {room, after}, ack)"#)?;
                self.join(namespace, &room, after.as_deref(), out).map(Answer::Position)
            }
            "leave" => {
                let Leave { room } = argument(arguments, r#"emit("leave", {room}, ack)"#)?;
                let room = RoomName::new(feed_namespace(namespace)?, &room)?;
                self.places.remove(&Place { namespace: (*namespace).into(), room });
                Ok(Answer::Done {})
            }
            "publish" => {
                let Publish { room, event, data, to, echo, key } =
                    argument(arguments, r#"emit("publish", {room, event, data, to?, echo?, key?}, ack)"#)?;
                let room = RoomName::new(feed_namespace(namespace)?, &room)?;
                let draft = Draft { event, data, to, echo: echo.unwrap_or(true), key };
                let position = self.hub.publish(&room, &draft, &self.caller, measure::unix_time_us())?;
                Ok(Answer::Position(position))
            }
            _ => Err(Refused::bad_request("unknown-event", "there is no such event; emit join, leave or publish")),
        }
    }
}

impl Handler for Feeds {
    fn connect(&mut self, namespace: &str, auth: Option<&RawValue>, out: &mut Outbox) -> Result<(), Refusal> {
        let mut enter = || {
            if self.caller.is_ended() {
                return Err(SessionError::Ended.into());
            }
            feed_namespace(namespace)?;
            let Auth { room, after } = match auth {
                Some(auth) => parse(auth, "auth: {room, after}")?,
                None => Auth::default(),
            };
            room.map_or(Ok(()), |room| self.join(namespace, &room, after.as_deref(), out).map(|_position| ()))
        };
        enter()
            .map_err(|refused: Refused| Refusal { message: refused.detail().to_owned(), data: Some(reason(&refused)) })
    }

    fn event(&mut self, event: Event<'_>, out: &mut Outbox) {
        let answer = self.answer(&event, out).unwrap_or_else(|refused| Answer::Error(reason(&refused)));
        acknowledge(event.namespace, event.ack, &answer, out);
    }

    fn disconnect(&mut self, namespace: &str) {
        let left: Vec<_> = self.places.keys().filter(|place| *place.namespace == *namespace).cloned().collect();
        for place in left {
            drop(self.places.remove(&place));
        }
    }

    async fn next(&mut self, most_bytes: usize) -> Outbox {
        let mut out = Outbox::default();
        let mut found = match self.places.next().await {
            Some(found) => found,
            None => future::pending().await,
        };
        loop {
            let (place, batch) = found;
            if let Some(gap) = batch.gap {
                emit_control("gap", &Control::Gap(gap), &place, &mut out);
            }
            batch.items.iter().for_each(|stored| out.encoded(packet_of(stored, &place)));
            if out.bytes() >= most_bytes {
                return out;
            }
            match self.places.next().now_or_never() {
                Some(Some(more)) => found = more,
                Some(None) | None => return out,
            }
        }
    }

    fn close(&mut self, close: &Close, out: &mut Outbox) {
        for place in self.places.keys() {
            emit_control("close", &Control::Close(close.clone()), place, out);
        }
        self.places.clear();
    }
}

/// The feed namespace behind a namespace of Socket.IO.
fn feed_namespace(namespace: &str) -> Result<&str, Refused> {
    match namespace.strip_prefix('/') {
        Some("") => Ok(DEFAULT),
        Some(DEFAULT) => Err(Refused::bad_request("bad-name", "the namespace default is the main namespace, /")),
        name => {
            let name = name.unwrap_or(namespace);
            wire::name::check_feed("namespace", name)?;
            Ok(name)
        }
    }
}

/// The packet of a publication, made once for all who are in its room.
fn packet_of(stored: &Stored, place: &Place) -> Bytes {
    let make = |stored: &Stored| {
        let text = stored.text();
        let name = Publication::decode(text).map(|publication| publication.event.into_owned()).unwrap_or_default();
        event_packet(&place.namespace, &name, [text, &room_json(place)]).into_bytes().into_boxed_slice().into()
    };
    stored.form(FORM, make).clone()
}

fn emit_control(name: &str, control: &Control, place: &Place, out: &mut Outbox) {
    emit(&place.namespace, name, [control.encode().as_str(), &room_json(place)], out);
}

/// The name of a room needs no escapes.
fn room_json(place: &Place) -> String {
    format!("\"{}\"", place.room.room())
}

/// The only argument of an event, which `usage` shows.
fn argument<'a, T: Deserialize<'a>>(arguments: &[&'a RawValue], usage: &str) -> Result<T, Refused> {
    match arguments {
        [argument] => parse(argument, usage),
        _ => Err(Refused::bad_request("bad-item", format!("one argument is taken: {usage}"))),
    }
}

fn parse<'a, T: Deserialize<'a>>(text: &'a RawValue, usage: &str) -> Result<T, Refused> {
    serde_json::from_str(text.get()).map_err(|error| {
        // It may quote what was sent.
        let error: String = error.to_string().chars().take(MAX_QUOTED).collect();
        Refused::bad_request("bad-item", format!("{error}; send {usage}"))
    })
}

fn reason(refused: &Refused) -> Reason {
    Reason { status: refused.status(), detail: refused.detail().to_owned() }
}
