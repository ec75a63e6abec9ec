//! HTTP beside the lanes: one request a connection, and publishes that are tried again.

use std::{collections::BTreeMap, io, net::SocketAddr, time::Duration};

use conformance::client::PATIENCE;
use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};
use wire::Position;

use super::subscriber::{Outcome, Post};

/// The pause before a publish is tried again.
const PAUSE: Duration = Duration::from_millis(40);

/// Who asks whom.
#[derive(Debug, Clone)]
pub(super) struct Http {
    pub(super) address: SocketAddr,
    pub(super) authority: String,
    pub(super) cookie: Option<String>,
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

/// The two answers to a publish that was taken.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Taken {
    Position(Position),
    Positions(BTreeMap<String, Position>),
}

impl Http {
    /// One request; an answer that is not all there is none.
    pub(super) async fn request(&self, method: &str, path: &str, key: Option<&str>, body: &str) -> io::Result<Answer> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.authority);
        for (name, value) in [("Cookie", self.cookie.as_deref()), ("Idempotency-Key", key)] {
            request.extend(value.map(|value| format!("{name}: {value}\r\n")));
        }
        request.extend(["Content-Length: ", &body.len().to_string(), "\r\n\r\n", body]);
        let exchange = async {
            let mut tcp = TcpStream::connect(self.address).await?;
            tcp.write_all(request.as_bytes()).await?;
            let mut answer = Vec::new();
            tcp.read_to_end(&mut answer).await?;
            io::Result::Ok(answer)
        };
        let answer = timeout(PATIENCE, exchange).await.map_err(|_late| io::ErrorKind::TimedOut)??;
        read(&answer).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Publishes; with a key again and again until there is an answer.
    pub(super) async fn publish(&self, path: &str, post: &Post) -> Outcome {
        // The key goes in the head, as a client without uplink has it.
        let body = Post { key: None, ..post.clone() }.draft().encode();
        loop {
            match self.request("POST", path, post.key.as_deref(), &body).await {
                Ok(Answer { status: 201, body, .. }) => {
                    return match serde_json::from_str(&body) {
                        Ok(Taken::Position(position)) => Outcome::Taken(vec![(None, position)]),
                        Ok(Taken::Positions(all)) => {
                            Outcome::Taken(all.into_iter().map(|(room, at)| (Some(room), at)).collect())
                        }
                        Err(error) => Outcome::Refused(format!("{error}: {body}")),
                    };
                }
                // One whose body the network ended, with the way back left open, is cut like any other.
                Ok(Answer { status, body, .. }) if status != 400 || !body.contains("bad-body") => {
                    return Outcome::Refused(format!("{status} {body}"));
                }
                Ok(_) | Err(_) if post.key.is_none() => return Outcome::Unknown,
                Ok(_) | Err(_) => sleep(PAUSE).await,
            }
        }
    }
}

fn read(answer: &[u8]) -> Option<Answer> {
    let (head, body) = str::from_utf8(answer).ok()?.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let lower = head.to_ascii_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length: "));
    let is_whole = length.map_or(Some(0), |length| length.parse().ok())? == body.len();
    is_whole.then(|| Answer { status, head: head.to_owned(), body: body.to_owned() })
}
