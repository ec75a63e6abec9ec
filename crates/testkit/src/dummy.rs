//! A transport of no use: items as lines of an endless HTTP answer. Mounted beside the real ones, it shows that a new
//! transport is one folder and one line, and nothing else.

use std::sync::{Arc, LazyLock};

use axum::{Router, body::Body, extract::State, response::Response, routing::get};
use bytes::Bytes;
use futures_util::stream;
use hub::{Caller, Hub, Subscription};
use measure::{Category, Direction, Mono};
use transport::{
    ALL, Command, ConnectionId, Delivery, Driver, DriverError, Event, Look, Out, Role, Spec, Target, Transport,
    answer::Refused,
    headers::Kind,
    request::Feed,
    watch::{Exchange, Watch, plain},
};
use wire::{Close, Control, Draft, Hello, Item, http1};

/// The dummy, then all real transports.
pub static CATALOG: LazyLock<Vec<Spec>> = LazyLock::new(|| [&[SPEC], ALL].concat());

/// See the module.
pub const SPEC: Spec = Spec {
    id: "dummy",
    title: "Dummy lines",
    look: Look { light: "#0E7490", dark: "#22D3EE", mark: "cross" },
    role: Role::Choice,
    prefix: "/v1/{namespace}/{room}/dummy",
    options: &[],
    variants: &[],
    preference: None,
    browser_module: Some("export function open() { throw new Error('of no use'); }\n"),
    watch: || Box::new(Unwatched),
    build: |_options| Arc::new(Dummy),
};

/// Its bytes are counted, and not told apart.
#[derive(Debug)]
struct Unwatched;

impl Watch for Unwatched {
    fn exchange(&self, _request: &http1::RequestHead) -> Box<dyn Exchange> {
        plain()
    }
}

#[derive(Debug)]
struct Dummy;

impl Transport for Dummy {
    fn routes(&self, hub: Hub) -> Router {
        Router::new().route("/", get(lines)).with_state(hub)
    }

    fn driver(&self, target: Target) -> Box<dyn Driver> {
        Box::new(Lines {
            target,
            reader: http1::ResponseReader::default(),
            line: Vec::new(),
            ready: false,
            over: false,
        })
    }
}

async fn lines(State(hub): State<Hub>, feed: Feed) -> Result<Response, Refused> {
    let subscription = hub.subscribe(&feed.room, feed.after, &feed.caller, SPEC.id)?;
    let (position, session) = (subscription.position().clone(), "none".to_owned());
    let hello = Control::Hello(Hello { position, session, heartbeat_ms: 0 }).encode() + "\n";
    let first = stream::iter([Ok::<_, std::convert::Infallible>(Bytes::from(hello))]);
    let rest = stream::unfold(Some((hub, subscription)), next);
    Ok(Response::new(Body::from_stream(stream::StreamExt::chain(first, rest))))
}

type Next = Option<(Result<Bytes, std::convert::Infallible>, Option<(Hub, Subscription)>)>;

async fn next(state: Option<(Hub, Subscription)>) -> Next {
    let (hub, mut subscription) = state?;
    tokio::select! {
        batch = subscription.next(hub.limits().reply()) => {
            let gap = batch.gap.map(|gap| Control::Gap(gap).encode() + "\n").unwrap_or_default();
            let text = batch.items.iter().fold(gap, |text, item| text + item.text() + "\n");
            Some((Ok(text.into()), Some((hub, subscription))))
        }
        close = hub.closing(&Caller::anonymous(None)) => Some((Ok((Control::Close(close).encode() + "\n").into()), None)),
    }
}

/// The driver's only connection.
const CONNECTION: ConnectionId = 0;

#[derive(Debug)]
struct Lines {
    target: Target,
    reader: http1::ResponseReader,
    line: Vec<u8>,
    ready: bool,
    over: bool,
}

impl Lines {
    fn take(&mut self, line: &str, out: &mut Out) -> Result<(), serde_json::Error> {
        match Item::decode(line)? {
            Item::Publication(publication) => {
                let start = publication.data.get().as_ptr().addr() - line.as_ptr().addr();
                let data = start..start + publication.data.get().len();
                out.charge(CONNECTION, Direction::Down, Category::Payload, data.len());
                out.charge(CONNECTION, Direction::Down, Category::Envelope, line.len() - data.len());
                out.charge(CONNECTION, Direction::Down, Category::Framing, 1);
                out.events.push(Event::Delivery(Delivery { offset: publication.offset, json: line.into(), data }));
            }
            Item::Control(control) => {
                let category = if self.ready { Category::Framing } else { Category::Handshake };
                out.charge(CONNECTION, Direction::Down, category, line.len() + 1);
                match control {
                    Control::Hello(hello) => {
                        self.ready = true;
                        out.events.push(Event::Ready(hello.position));
                    }
                    Control::Gap(gap) => out.events.push(Event::Gap(gap)),
                    Control::Close(close) => self.close(close, out),
                    Control::Ack(_) | Control::Error(_) => {}
                }
            }
        }
        Ok(())
    }

    fn close(&mut self, close: Close, out: &mut Out) {
        self.over = true;
        out.events.push(Event::Closed(close));
    }

    fn fail(&mut self, error: DriverError, out: &mut Out) {
        self.over = true;
        out.events.push(Event::Failed(error));
        out.commands.push(Command::Shut(CONNECTION));
    }
}

impl Driver for Lines {
    fn start(&mut self, _now: Mono, out: &mut Out) {
        let path = self.target.path("dummy", "");
        let head = self.target.headers.head(Kind::Fetch, &self.target.origin.authority, &path, &[], &[]);
        out.charge(CONNECTION, Direction::Up, Category::Handshake, head.len());
        out.commands.push(Command::Open(CONNECTION));
        out.commands.push(Command::Write(CONNECTION, head.into_bytes()));
    }

    fn on_bytes(&mut self, _connection: ConnectionId, mut bytes: &[u8], _now: Mono, out: &mut Out) {
        let mut lines = Vec::new();
        loop {
            match self.reader.next_event(&mut bytes) {
                Ok(None) => break,
                Ok(Some(http1::Event::Head { bytes, .. })) => {
                    out.charge(CONNECTION, Direction::Down, Category::Handshake, bytes);
                }
                Ok(Some(http1::Event::Framing { bytes })) => {
                    out.charge(CONNECTION, Direction::Down, Category::Framing, bytes);
                }
                Ok(Some(http1::Event::Body(piece))) => {
                    for byte in piece {
                        match byte {
                            b'\n' => lines.push(std::mem::take(&mut self.line)),
                            byte => self.line.push(*byte),
                        }
                    }
                }
                Ok(Some(http1::Event::End | http1::Event::Upgraded(_))) => {}
                Err(error) => return self.fail(DriverError::Protocol(error.to_string()), out),
            }
        }
        for line in lines {
            let line = String::from_utf8_lossy(&line);
            if let Err(error) = self.take(&line, out) {
                return self.fail(DriverError::Protocol(error.to_string()), out);
            }
        }
    }

    fn on_end(&mut self, _connection: ConnectionId, _now: Mono, out: &mut Out) {
        out.charge(CONNECTION, Direction::Down, Category::Framing, self.line.len() + self.reader.pending());
        if !std::mem::replace(&mut self.over, true) {
            out.events.push(Event::Failed(DriverError::Lost));
        }
    }

    fn on_timer(&mut self, _now: Mono, _out: &mut Out) {}

    fn publish(&mut self, _draft: &Draft<'_>, _reference: u64, _now: Mono, out: &mut Out) {
        self.fail(DriverError::Protocol("lines have no uplink".to_owned()), out);
    }

    fn stop(&mut self, _now: Mono, out: &mut Out) {
        self.over = true;
        out.commands.push(Command::Shut(CONNECTION));
    }
}
