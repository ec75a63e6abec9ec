//! What comes in on any connection of the driver, and what its bytes were for.

use measure::{Category, Direction, Mono};
use wire::engine_io::{self, PROBE};

use super::{
    client::Subscription,
    client_polling::{Exchange, Load, refusal},
    client_session::{Content, protocol},
};
use crate::{
    driver::{ConnectionId, Event, Out},
    duplex_client::{Frame, Violation},
};

impl Subscription {
    /// Takes `bytes`, and leaves what belongs to nothing that is understood.
    ///
    /// # Errors
    ///
    /// The event that ends the subscription; a trial, when they came on a WebSocket that is on one.
    pub(super) fn read(
        &mut self,
        connection: ConnectionId,
        bytes: &mut &[u8],
        now: Mono,
        out: &mut Out,
    ) -> Result<(), Event> {
        if self.is_on(connection) {
            self.last_heard = now;
            return self.read_socket(bytes, now, out);
        }
        let Some(polling) = &mut self.polling else { return Ok(()) };
        if polling.posts_on(connection) {
            polling.take_posts(bytes, out)?;
            self.posts_answered(out);
        } else if polling.polls_on(connection) {
            self.last_heard = now;
            // The last answer of all takes the carrier away.
            while let Some(polling) = &mut self.polling
                && let Some(exchange) = polling.next_poll(bytes, out)?
            {
                self.take_poll(&exchange, now, out)?;
            }
        }
        Ok(())
    }

    /// Takes a poll that was answered. Only now is known what its request was for.
    fn take_poll(&mut self, exchange: &Exchange, now: Mono, out: &mut Out) -> Result<(), Event> {
        let (before, told) = (!self.session.ready(), out.events.len());
        let mut load = Load::default();
        let answered = exchange.answer.head.status() == 200;
        let taken = if answered {
            self.take_payload(&exchange.answer.body, &mut load, now, out)
        } else {
            Err(refusal(&exchange.answer))
        };
        load.charge(exchange, before, self.session.ready(), out);
        if answered {
            // Before what it carried, so that a reader of events can count the exchange first.
            out.events.insert(told, Event::Exchange { carried: load.carried });
        }
        taken?;
        self.go_on(out);
        Ok(())
    }

    fn take_payload(&mut self, body: &[u8], load: &mut Load, now: Mono, out: &mut Out) -> Result<(), Event> {
        let text = std::str::from_utf8(body).map_err(|_error| protocol("a payload that is not UTF-8"))?;
        let mut end = 0;
        for packet in engine_io::packets(text) {
            let ready = self.session.ready();
            load.packets += 1;
            end += packet.len();
            let content = self.session.take(packet, out)?;
            if !ready {
                load.handshake = end;
            }
            end += engine_io::SEPARATOR.len_utf8();
            match content {
                Content::Open(handshake) => self.opened(&handshake, now, out)?,
                Content::Ping => {
                    load.pings += 1;
                    load.heartbeat += if ready { packet.len() } else { 0 };
                    self.pong(out);
                }
                Content::Publication { json, data } => {
                    load.carried += 1;
                    if ready {
                        load.payload += data;
                        load.envelope += json - data;
                    }
                }
                Content::Other => {}
                Content::End => return self.ended(out),
            }
        }
        Ok(())
    }

    fn read_socket(&mut self, bytes: &mut &[u8], now: Mono, out: &mut Out) -> Result<(), Event> {
        if let Some(socket) = &mut self.socket
            && socket.upgrade(bytes, out)?
        {
            self.probe(out);
        }
        while let Some(socket) = &mut self.socket {
            let (connection, ready) = (socket.connection, self.session.ready());
            let category = |usual| if ready { usual } else { Category::Handshake };
            let frame = socket.next(bytes).map_err(|Violation { bytes, reason }| {
                out.charge(connection, Direction::Down, category(Category::Framing), bytes);
                protocol(&reason)
            })?;
            match frame {
                None => break,
                Some(Frame::Heartbeat { bytes, reply }) => {
                    out.charge(connection, Direction::Down, category(Category::Heartbeat), bytes);
                    if let Some(reply) = reply {
                        socket.reply(reply, category(Category::Heartbeat), out);
                    }
                }
                Some(Frame::Goodbye { bytes, reply }) => {
                    out.charge(connection, Direction::Down, category(Category::Framing), bytes);
                    socket.reply(reply, category(Category::Framing), out);
                    socket.shut(out);
                    if self.trial.is_some() {
                        return Err(protocol("a goodbye in place of the answer to the probe"));
                    }
                }
                Some(Frame::Item { text, bytes }) if self.trial.is_some() => {
                    out.charge(connection, Direction::Down, Category::Handshake, bytes);
                    let is_probe = engine_io::Packet::decode(text) == Ok(engine_io::Packet::Pong(PROBE));
                    self.tried(is_probe, out)?;
                }
                Some(Frame::Item { text, bytes }) => {
                    let content = self.session.take(text, out);
                    let (payload, envelope, rest) = match &content {
                        Ok(Content::Publication { json, data }) if ready => (*data, json - data, Category::Framing),
                        Ok(Content::Ping) => (0, 0, Category::Heartbeat),
                        _ => (0, 0, Category::Framing),
                    };
                    out.charge(connection, Direction::Down, Category::Payload, payload);
                    out.charge(connection, Direction::Down, Category::Envelope, envelope);
                    out.charge(connection, Direction::Down, category(rest), bytes - payload - envelope);
                    match content? {
                        Content::Open(handshake) => self.opened(&handshake, now, out)?,
                        Content::Ping => self.pong(out),
                        Content::End => self.ended(out)?,
                        Content::Publication { .. } | Content::Other => {}
                    }
                }
            }
        }
        Ok(())
    }
}
