//! Socket.IO on a session: namespaces, events, acks, attachments. What an event means is the handler's.

use hub::Limits;
use serde::Serialize;
use serde_json::value::RawValue;
use wire::{
    Close, SessionId, engine_io,
    socket_io::{Assembler, Kind, Packet, Whole, event_json},
};

use super::{
    server_carrier::Outbox,
    server_session::{Application, Broken, Message},
};

/// How many attachments one packet may have: far more than anybody sends who does not want to fill memory.
const MAX_ATTACHMENTS: usize = 16;

/// An event that came in.
#[derive(Debug)]
pub(super) struct Event<'a> {
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    pub(super) arguments: &'a [&'a RawValue],
    pub(super) attachments: Vec<Vec<u8>>,
    /// Where the answer goes, if one was asked for.
    pub(super) ack: Option<u64>,
}

/// What namespaces and events mean.
pub(super) trait Handler: Send + 'static {
    /// A client asks for a namespace; what follows its acceptance goes into `out`.
    ///
    /// # Errors
    ///
    /// Why it is not let in: what the client's `connect_error` gets.
    fn connect(&mut self, namespace: &str, auth: Option<&RawValue>, out: &mut Outbox) -> Result<(), Refusal>;

    /// Takes an event.
    fn event(&mut self, event: Event<'_>, out: &mut Outbox);

    /// The client has left a namespace.
    fn disconnect(&mut self, namespace: &str);

    /// See [`Application::next`].
    fn next(&mut self, most_bytes: usize) -> impl Future<Output = Outbox> + Send;

    /// Says that the session ends.
    fn close(&mut self, close: &Close, out: &mut Outbox);
}

/// Why a namespace is refused, as its client sees it.
#[derive(Debug, Serialize)]
pub(super) struct Refusal {
    pub(super) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Reason>,
}

/// What was wrong: in a refusal, and as the `error` of an ack.
#[derive(Debug, Serialize)]
pub(super) struct Reason {
    pub(super) status: u16,
    pub(super) detail: String,
}

/// See the file.
#[derive(Debug)]
pub(super) struct Sockets<H> {
    handler: H,
    /// The namespaces that are open.
    namespaces: Vec<Box<str>>,
    max_namespaces: usize,
    assembler: Assembler,
}

impl<H: Handler> Sockets<H> {
    pub(super) fn new(handler: H, limits: &Limits) -> Self {
        let assembler = Assembler::new(MAX_ATTACHMENTS, limits.item_bytes());
        Self { handler, namespaces: Vec::new(), max_namespaces: limits.session_rooms, assembler }
    }

    fn on_packet(&mut self, packet: &Packet<'_>, attachments: Vec<Vec<u8>>, out: &mut Outbox) -> Result<(), Broken> {
        let namespace = packet.namespace;
        let open = self.namespaces.iter().position(|open| **open == *namespace);
        match (packet.kind, open) {
            (Kind::Connect, None) => {
                let mut first = Outbox::default();
                let entered = if self.namespaces.len() < self.max_namespaces {
                    self.handler.connect(namespace, packet.data, &mut first)
                } else {
                    let message = format!("a session may be in {} namespaces; leave one first", self.max_namespaces);
                    Err(Refusal { message, data: None })
                };
                match entered {
                    Ok(()) => {
                        self.namespaces.push(namespace.into());
                        send(Kind::Connect, namespace, &Connected { sid: SessionId(rand::random()).to_string() }, out);
                        out.append(&mut first);
                    }
                    Err(refusal) => send(Kind::ConnectError, namespace, &refusal, out),
                }
                Ok(())
            }
            (Kind::Event | Kind::BinaryEvent, Some(_)) => {
                let (name, arguments) = packet.event().map_err(|_error| Broken)?;
                let event = Event { namespace, name: &name, arguments: &arguments, attachments, ack: packet.id };
                self.handler.event(event, out);
                Ok(())
            }
            // We ask for none; one that comes all the same answers nothing.
            (Kind::Ack | Kind::BinaryAck, Some(_)) => Ok(()),
            (Kind::Disconnect, Some(index)) => {
                self.namespaces.swap_remove(index);
                self.handler.disconnect(namespace);
                Ok(())
            }
            // As the reference implementation has it: whoever is not in step is not understood.
            (Kind::Connect | Kind::ConnectError, Some(_)) | (_, None) => Err(Broken),
        }
    }
}

impl<H: Handler> Application for Sockets<H> {
    fn receive(&mut self, message: Message<'_>, out: &mut Outbox) -> Result<(), Broken> {
        match message {
            Message::Text(text) => match self.assembler.on_text(text) {
                Ok(Some(packet)) => self.on_packet(&packet, Vec::new(), out),
                Ok(None) => Ok(()),
                Err(_error) => Err(Broken),
            },
            Message::Binary(bytes) => match self.assembler.on_binary(bytes) {
                Ok(Some(Whole { text, attachments })) => {
                    let packet = Packet::decode(&text).map_err(|_error| Broken)?;
                    self.on_packet(&packet, attachments, out)
                }
                Ok(None) => Ok(()),
                Err(_error) => Err(Broken),
            },
        }
    }

    async fn next(&mut self, most_bytes: usize) -> Outbox {
        self.handler.next(most_bytes).await
    }

    fn is_connected(&self) -> bool {
        !self.namespaces.is_empty()
    }

    fn close(&mut self, close: &Close, out: &mut Outbox) {
        self.handler.close(close, out);
        // A client that is told to leave its namespaces stays away; one whose session ends comes back by itself.
        if !close.reconnect {
            for namespace in self.namespaces.drain(..) {
                push(&Packet::new(Kind::Disconnect, &namespace, None), out);
            }
        }
    }
}

#[derive(Serialize)]
struct Connected {
    sid: String,
}

/// Adds the packet of an event without attachments; `arguments` are JSON.
pub(super) fn emit<'j>(namespace: &str, name: &str, arguments: impl IntoIterator<Item = &'j str>, out: &mut Outbox) {
    out.encoded(event_packet(namespace, name, arguments));
}

/// The whole text of the packet of an event, Engine.IO's type first.
pub(super) fn event_packet<'j>(namespace: &str, name: &str, arguments: impl IntoIterator<Item = &'j str>) -> String {
    let json = event_json(name, arguments);
    let mut text = String::with_capacity(json.len() + namespace.len() + 4);
    engine_io::Packet::Message("").encode(&mut text);
    Packet::new(Kind::Event, namespace, None).encode(&mut text);
    text.push_str(&json);
    text
}

/// Adds the answer to an event that asked for one.
pub(super) fn acknowledge(namespace: &str, ack: Option<u64>, answer: &impl Serialize, out: &mut Outbox) {
    if let Some(id) = ack {
        let answer = to_json(&[answer]);
        push(&Packet { id: Some(id), ..Packet::new(Kind::Ack, namespace, Some(&answer)) }, out);
    }
}

/// Adds a packet with `attachments`, which its `attachments` counts.
pub(super) fn push_whole(packet: &Packet<'_>, attachments: Vec<Vec<u8>>, out: &mut Outbox) {
    push(packet, out);
    for attachment in attachments {
        out.binary(attachment);
    }
}

fn send(kind: Kind, namespace: &str, data: &impl Serialize, out: &mut Outbox) {
    push(&Packet::new(kind, namespace, Some(&to_json(data))), out);
}

fn push(packet: &Packet<'_>, out: &mut Outbox) {
    let mut text = String::new();
    packet.encode(&mut text);
    out.packet(&engine_io::Packet::Message(&text));
}

#[expect(clippy::expect_used, reason = "serializing our own structs of strings and numbers into memory cannot fail")]
fn to_json(data: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(data).expect("our structs are serializable")
}

#[cfg(test)]
mod tests {
    use hub::{Caller, Hub};

    use super::*;
    use crate::socketio::{server_carrier::Carrier, server_feeds::Feeds};

    /// What a socket is answered, packet by packet.
    async fn answers(sockets: &mut Sockets<Feeds>, messages: &[&str]) -> Vec<String> {
        let mut out = Outbox::default();
        for message in messages {
            sockets.receive(Message::Text(message), &mut out).unwrap();
        }
        let (poll, answer) = tokio::sync::oneshot::channel();
        let mut carrier = Carrier::polling();
        carrier.poll(poll).unwrap();
        carrier.write(&mut out).await.unwrap();
        engine_io::packets(&answer.await.unwrap().unwrap()).map(str::to_owned).collect()
    }

    fn sockets(session_rooms: usize) -> Sockets<Feeds> {
        let hub = Hub::new(Limits { session_rooms, ..Limits::default() });
        Sockets::new(Feeds::new(hub.clone(), Caller::anonymous(None)), hub.limits())
    }

    #[tokio::test]
    async fn a_session_is_in_a_bounded_number_of_namespaces_and_rooms() {
        let answers = answers(
            &mut sockets(2),
            &[
                "0",
                "0/a,",
                "0/b,",
                "20[\"join\",{\"room\":\"x\"}]",
                "21[\"join\",{\"room\":\"y\"}]",
                "22[\"join\",{\"room\":\"z\"}]",
                "1/a,",
                "0/b,",
            ],
        )
        .await;
        let starts = [
            "40{",
            "40/a,{",
            "44/b,{",
            "42[\"hello\"",
            "430[",
            "42[\"hello\"",
            "431[",
            "432[{\"error\":{\"status\":429,",
            "40/b,{",
        ];
        assert_eq!(answers.len(), starts.len(), "{answers:?}");
        for (answer, start) in answers.iter().zip(starts) {
            assert!(answer.starts_with(start), "{answer} is not {start}..");
        }
    }

    #[tokio::test]
    async fn what_is_sent_back_of_a_mistake_is_short() {
        let long = "\u{7f}".repeat(100_000);
        let mistakes =
            [format!("20[\"{long}\",1]"), format!("21[\"join\",{{\"{long}\":1}}]"), format!("22[\"join\",\"{long}\"]")];
        for mistake in mistakes {
            let answers = answers(&mut sockets(1), &["0", &mistake]).await;
            assert!(answers[1].contains("\"status\":400") && answers[1].len() < 4096, "{} bytes", answers[1].len());
        }
    }
}
