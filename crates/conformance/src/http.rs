//! A plain HTTP/1.1 client for what stands beside the lanes: at most one kept connection, one request at a time.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, timeout},
};
use transport::Origin;
use wire::http1;

use crate::suite::IDLE;

/// How long a connection may have been idle for a request that must not be sent twice. 1 s: servers keep them for longer.
const KEPT_FOR_POST: Duration = Duration::from_secs(1);

/// Requests to one server.
#[derive(Debug)]
pub(crate) struct Http {
    origin: Origin,
    kept: Option<Kept>,
}

/// A kept connection.
#[derive(Debug)]
struct Kept {
    tcp: TcpStream,
    reader: http1::ResponseReader,
    /// When it was last used.
    since: Instant,
}

/// Why an exchange gave no answer.
enum NoAnswer {
    /// The connection ended before any byte of the answer.
    Ended(io::Error),
    /// Anything else.
    Failed(io::Error),
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    /// Beside `Host`, `Content-Length` and, with a body, `Content-Type`.
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: &'a [u8],
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: http1::Head,
    pub(crate) body: String,
}

impl Answer {
    /// Whether it says that the request was wrong.
    pub(crate) fn is_refusal(&self) -> bool {
        (400..500).contains(&self.status)
    }
}

impl Http {
    /// Connects with the first request.
    pub(crate) fn new(origin: Origin) -> Self {
        Self { origin, kept: None }
    }

    /// Sends one request and reads its answer. After an error the next request takes a new connection.
    ///
    /// A server may end a kept connection at any time: a `GET` is then asked once more on a new one (RFC 9112, 9.3.1), and
    /// what may not be sent twice goes out only on one that was just used.
    pub(crate) async fn send(&mut self, request: Request<'_>) -> io::Result<Answer> {
        let Request { method, path, headers, body } = request;
        let host = &self.origin.authority;
        let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        let (length, more) = (body.len(), headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")));
        let more: String = more.collect();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{kind}{more}Content-Length: {length}\r\n\r\n");
        let request = [head.as_bytes(), body].concat();
        let late = || io::Error::new(io::ErrorKind::TimedOut, format!("no answer to {method} {path}"));
        let is_get = method == "GET";
        let exchange = async {
            let kept = self.kept.take().filter(|kept| is_get || kept.since.elapsed() <= KEPT_FOR_POST);
            let again = is_get && kept.is_some();
            match self.exchange(kept, &request).await {
                Err(NoAnswer::Ended(_)) if again => self.exchange(None, &request).await,
                answer => answer,
            }
        };
        let answer = timeout(IDLE, exchange).await.map_err(|_late| late())?;
        answer.map_err(|(NoAnswer::Ended(error) | NoAnswer::Failed(error))| error)
    }

    /// [`send`](Self::send) of a request without further headers.
    pub(crate) async fn request(&mut self, method: &str, path: &str, body: &str) -> io::Result<Answer> {
        self.send(Request { method, path, headers: &[], body: body.as_bytes() }).await
    }

    async fn exchange(&mut self, kept: Option<Kept>, request: &[u8]) -> Result<Answer, NoAnswer> {
        let (mut tcp, mut reader) = if let Some(Kept { tcp, reader, .. }) = kept {
            (tcp, reader)
        } else {
            let tcp = TcpStream::connect(self.origin.address).await.map_err(NoAnswer::Failed)?;
            tcp.set_nodelay(true).map_err(NoAnswer::Failed)?;
            (tcp, http1::ResponseReader::default())
        };
        tcp.write_all(request).await.map_err(NoAnswer::Ended)?;
        let (mut answer, mut keep, mut body) = (http1::Head::default(), true, Vec::new());
        let mut bytes = [0; 4096];
        let mut begun = false;
        let ended = |begun, error| if begun { NoAnswer::Failed(error) } else { NoAnswer::Ended(error) };
        loop {
            let count = tcp.read(&mut bytes).await.map_err(|error| ended(begun, error))?;
            begun |= count > 0;
            let mut input = &bytes[..count];
            while let Some(event) =
                reader.next_event(&mut input).map_err(|error| NoAnswer::Failed(io::Error::other(error)))?
            {
                match event {
                    http1::Event::Head { head, .. } => {
                        answer = head.clone();
                        keep = !head.field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
                    }
                    http1::Event::Body(piece) | http1::Event::Upgraded(piece) => body.extend_from_slice(piece),
                    http1::Event::Framing { .. } => {}
                    http1::Event::End => {
                        self.kept = keep.then(|| Kept { tcp, reader, since: Instant::now() });
                        let (status, body) = (answer.status(), String::from_utf8_lossy(&body).into_owned());
                        return Ok(Answer { status, head: answer, body });
                    }
                }
            }
            if count == 0 {
                let error = io::Error::new(io::ErrorKind::UnexpectedEof, "the connection ended before the answer");
                return Err(ended(begun, error));
            }
        }
    }
}
