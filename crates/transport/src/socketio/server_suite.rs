//! What outside protocol suites talk to: echoes, no feed. Mounted only where a server is told to.

use std::future;

use serde_json::value::RawValue;
use wire::{
    Close, engine_io,
    socket_io::{Kind, MAIN, Packet, event_json},
};

use super::{
    server_carrier::Outbox,
    server_session::{Application, Broken, Message},
    server_sockets::{Event, Handler, Refusal, emit, push_whole},
};

/// A bare Engine.IO session that sends every message back.
pub(super) struct Echo;

impl Application for Echo {
    fn receive(&mut self, message: Message<'_>, out: &mut Outbox) -> Result<(), Broken> {
        match message {
            Message::Text(text) => out.packet(&engine_io::Packet::Message(text)),
            Message::Binary(bytes) => out.binary(bytes),
        }
        Ok(())
    }

    fn next(&mut self, _most_bytes: usize) -> impl Future<Output = Outbox> + Send {
        future::pending()
    }

    fn is_connected(&self) -> bool {
        true
    }

    fn close(&mut self, _close: &Close, _out: &mut Outbox) {}
}

/// The namespaces `/` and `/custom`: `auth` on connect, `message` comes back as `message-back`, and `message-with-ack` as its
/// own answer, attachments included.
pub(super) struct EchoNamespaces;

impl Handler for EchoNamespaces {
    fn connect(&mut self, namespace: &str, auth: Option<&RawValue>, out: &mut Outbox) -> Result<(), Refusal> {
        if !matches!(namespace, MAIN | "/custom") {
            return Err(Refusal { message: "Invalid namespace".to_owned(), data: None });
        }
        emit(namespace, "auth", [auth.map_or("{}", RawValue::get)], out);
        Ok(())
    }

    fn event(&mut self, event: Event<'_>, out: &mut Outbox) {
        let Event { namespace, name, arguments, attachments, ack } = event;
        let arguments = arguments.iter().map(|argument| argument.get());
        let is_binary = !attachments.is_empty();
        let (kind, id, json) = match (name, ack) {
            ("message", _) if is_binary => (Kind::BinaryEvent, None, event_json("message-back", arguments)),
            ("message", _) => (Kind::Event, None, event_json("message-back", arguments)),
            ("message-with-ack", Some(id)) => {
                let json = format!("[{}]", arguments.collect::<Vec<_>>().join(","));
                (if is_binary { Kind::BinaryAck } else { Kind::Ack }, Some(id), json)
            }
            _ => return,
        };
        // Valid JSON values between brackets and commas.
        let Ok(data) = RawValue::from_string(json) else { return };
        let packet = Packet { attachments: attachments.len(), id, ..Packet::new(kind, namespace, Some(&data)) };
        push_whole(&packet, attachments, out);
    }

    fn disconnect(&mut self, _namespace: &str) {}

    fn next(&mut self, _most_bytes: usize) -> impl Future<Output = Outbox> + Send {
        future::pending()
    }

    fn close(&mut self, _close: &Close, _out: &mut Outbox) {}
}
