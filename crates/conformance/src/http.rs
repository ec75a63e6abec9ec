//! A plain HTTP/1.1 client for what stands beside the lanes: one kept connection, one request at a time.

use std::io;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use transport::Origin;
use wire::http1;

use crate::suite::IDLE;

/// A kept connection.
#[derive(Debug)]
pub(crate) struct Http {
    origin: Origin,
    connection: Option<(TcpStream, http1::ResponseReader)>,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Http {
    /// Connects with the first request.
    pub(crate) fn new(origin: Origin) -> Self {
        Self { origin, connection: None }
    }

    /// Sends one request and reads its answer. After an error the next request takes a new connection.
    pub(crate) async fn request(&mut self, method: &str, path: &str, body: &str) -> io::Result<Answer> {
        let host = &self.origin.authority;
        let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        let length = body.len();
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{kind}Content-Length: {length}\r\n\r\n{body}");
        let late = || io::Error::new(io::ErrorKind::TimedOut, format!("no answer to {method} {path}"));
        timeout(IDLE, self.exchange(request.as_bytes())).await.map_err(|_late| late())?
    }

    async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        let (mut tcp, mut reader) = match self.connection.take() {
            Some(kept) => kept,
            None => (TcpStream::connect(self.origin.address).await?, http1::ResponseReader::default()),
        };
        tcp.set_nodelay(true)?;
        tcp.write_all(request).await?;
        let (mut status, mut kept, mut body) = (0, true, Vec::new());
        let mut bytes = [0; 4096];
        loop {
            let count = tcp.read(&mut bytes).await?;
            let mut input = &bytes[..count];
            while let Some(event) = reader.next_event(&mut input).map_err(io::Error::other)? {
                match event {
                    http1::Event::Head { head, .. } => {
                        status = head.status();
                        kept = !head.field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
                    }
                    http1::Event::Body(piece) | http1::Event::Upgraded(piece) => body.extend_from_slice(piece),
                    http1::Event::Framing { .. } => {}
                    http1::Event::End => {
                        self.connection = kept.then_some((tcp, reader));
                        return Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned() });
                    }
                }
            }
            if count == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection ended before the answer"));
            }
        }
    }
}
