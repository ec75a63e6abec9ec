//! The crowd of a run: who subscribes, logs in, publishes and is sent away.

use std::time::Duration;

use rand::RngExt as _;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot, watch};
use transport::{Headers, Lane, Origin};
use wire::{After, SessionId};

use super::{
    http::Http,
    model::{Audience, Log, Sent},
    plan::{self, GUESTS, HOSTS, Publish, ROOMS, SUBSCRIBERS, Seat, To, Via},
    run::{Member, Run, Session, WAITING, room},
    subscriber::{Answer, Life, Order, Post, Subscriber, random},
};

/// The lane of who watches a room from beside the weather.
const WITNESS: &str = "raw";

/// Events under which publications go out.
const EVENTS: [&str; 3] = ["message", "chat message \u{2713}", "moved"];

impl Run {
    pub(super) async fn begin(&mut self) {
        for room in 0..ROOMS.len() {
            let seat = Seat { room, lane: 0, session: None, from_earliest: true, proxy: 0 };
            self.subscribe(seat, true);
        }
        for index in 0..HOSTS + GUESTS {
            let session = self.log_in(&format!("person {index}")).await;
            self.sessions.push(session);
        }
        for index in 0..SUBSCRIBERS {
            let seat = plan::seat(&mut self.random, index, self.lanes.len());
            self.seats.push(seat);
            self.subscribe(seat, false);
        }
    }

    /// Begins a subscriber; a witness stands beside the weather.
    pub(super) fn subscribe(&mut self, seat: Seat, is_witness: bool) {
        self.begun += 1;
        let mut random = random(self.seed, self.begun as u64);
        let session = seat.session.map(|index| &self.sessions[index]);
        let minimal = Headers::built_in("minimal").unwrap();
        let named = session.map_or("nobody", |session| &session.name);
        let room = room(seat.room);
        let who = format!("subscriber {} ({named}) in {room}", self.begun);
        let (orders_in, orders) = mpsc::channel(WAITING);
        let (progress_in, progress) = watch::channel(None);
        let mut lanes = self.lanes.clone();
        lanes.rotate_left(seat.lane);
        // Long enough in the busy room that the ring goes on without it.
        let restless = Duration::from_millis(if seat.room == 0 { 2500 } else { random.random_range(50..800) });
        let subscriber = Subscriber {
            log: Log {
                who: who.clone(),
                viewer: session.map(|session| session.id),
                room,
                told: Vec::new(),
                until: None,
            },
            origin: self.place.origin.clone(),
            address: if is_witness { self.place.origin.address } else { self.proxies[seat.proxy] },
            headers: session.map_or(minimal.clone(), |session| minimal.with_cookie(&session.cookie)),
            lanes: if is_witness { vec![Lane::parse(WITNESS, transport::ALL).unwrap()] } else { lanes },
            start: if seat.from_earliest { After::Earliest } else { After::Head },
            restless: (!is_witness).then_some(restless),
            random,
            orders,
            answers: self.answers_in.clone(),
            progress: progress_in,
            calm: self.calm.subscribe(),
        };
        let task = tokio::spawn(Life::new(subscriber).run());
        let member = Member { who, room: seat.room, session: seat.session, orders: orders_in, progress, task };
        self.members.insert(self.begun, member);
    }

    /// A new named session, asked for beside the weather.
    pub(super) async fn log_in(&self, name: &str) -> Session {
        #[derive(Deserialize)]
        struct Begun {
            session: SessionId,
        }
        let answer =
            self.http(None).request("POST", "/session", None, &format!(r#"{{"name":"{name}"}}"#)).await.unwrap();
        let Begun { session: id } = serde_json::from_str(&answer.body).unwrap();
        let set = answer.head.lines().find_map(|line| {
            Some(line.split_once(": ")?.1).filter(|_| line.to_ascii_lowercase().starts_with("set-cookie:"))
        });
        let cookie = set.and_then(|set| set.split(';').next()).unwrap().to_owned();
        Session { name: name.to_owned(), id, cookie }
    }

    pub(super) async fn publish(&mut self, publish: Publish) {
        let Publish { via, to, keyed } = publish;
        let (author, room) = match via {
            Via::Http { author, room, .. } => (author, Some(room)),
            Via::Namespace { author, .. } => (author, None),
            Via::Uplink { seat } => (self.seats[seat].session, Some(self.seats[seat].room)),
        };
        let from = author.map(|index| &self.sessions[index]);
        let target = match to {
            To::Session(index) => Some(index),
            To::Everybody | To::Others => None,
        };
        let audience = match (to, from, target.map(|index| self.sessions[index].id)) {
            (To::Others, Some(from), _) => Audience::AllBut(from.id),
            (To::Session(_), Some(from), Some(target)) => Audience::Only([from.id, target]),
            _ => Audience::Everybody,
        };
        if let (Some(target), Some(room)) = (target, room) {
            self.views.extend([(author, room), (Some(target), room)]);
        }
        let sent = Sent {
            room: room.map(self::room),
            namespace: room.map_or(ROOMS[0].0, |room| ROOMS[room].0).to_owned(),
            from: from.map(|session| session.name.clone()),
            to: target.map(|index| self.sessions[index].id),
            event: EVENTS[self.random.random_range(0..EVENTS.len())].to_owned(),
            audience,
        };
        let cookie = from.map(|session| session.cookie.clone());
        let post = self.post(sent, to != To::Others, keyed);
        let (path, proxy) = match via {
            Via::Http { room, proxy, .. } => (format!("/v1/{}/messages", self::room(room)), proxy),
            Via::Namespace { proxy, .. } => (format!("/v1/{}/messages", ROOMS[0].0), proxy),
            Via::Uplink { seat } => {
                // The witnesses were begun before, and who writes stays to the end.
                let number = ROOMS.len() + seat + 1;
                self.members[&number].orders.send(Order::Publish(post)).await.unwrap();
                return;
            }
        };
        let (http, answers) = (Http { address: self.proxies[proxy], ..self.http(cookie) }, self.answers_in.clone());
        tokio::spawn(async move {
            let outcome = http.publish(&path, &post).await;
            // Nobody waits for it when the run is over.
            let _over = answers.send(Answer { n: post.n, outcome }).await;
        });
    }

    /// Enters what is about to be sent into the model; one answer is due from now on.
    pub(super) fn post(&mut self, sent: Sent, echo: bool, keyed: bool) -> Post {
        self.counts.sent += 1;
        self.pending += 1;
        let n = self.counts.sent;
        let data = RawValue::from_string(format!(r#"{{"n":{n}}}"#)).unwrap();
        let (event, to, key) = (sent.event.clone(), sent.to, keyed.then(|| format!("key {n}")));
        self.model.sent.insert(n, sent);
        Post { n, event, data, to, echo, key }
    }

    /// Ends a guest's session once all its subscribers make no more connections; a new one comes with a subscriber for each.
    pub(super) async fn revoke(&mut self, guest: usize) {
        let theirs = self.members.extract_if(.., |_, member| member.session == Some(guest));
        let leaving: Vec<_> = theirs.map(|(_, member)| member).collect();
        for member in &leaving {
            let (heard_in, heard) = oneshot::channel();
            member.orders.send(Order::Leave(heard_in)).await.unwrap();
            heard.await.unwrap();
        }
        let Session { name, cookie, .. } = &self.sessions[guest];
        let (name, http) = (name.clone(), self.http(Some(cookie.clone())));
        let answer = http.request("DELETE", "/session", None, "").await.unwrap();
        assert_eq!(answer.status, 204, "{answer:?}");
        self.counts.sessions_ended += 1;
        self.sessions[guest] = self.log_in(&name).await;
        for _ in &leaving {
            let random = plan::seat(&mut self.random, self.begun, self.lanes.len());
            self.subscribe(Seat { session: Some(guest), ..random }, false);
        }
        self.leaving.extend(leaving);
    }

    /// Requests beside the weather.
    pub(super) fn http(&self, cookie: Option<String>) -> Http {
        let Origin { authority, address } = self.place.origin.clone();
        Http { address, authority, cookie }
    }
}
