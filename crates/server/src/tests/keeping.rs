//! How long a session's sums are kept, and which go first when there are too many.

use std::time::Duration;

use tokio::{net::TcpStream, time::Instant};
use wire::SessionId;

use super::{Running, request, until};
use crate::watch::{FORGET_AFTER, MAX_SESSIONS};

/// A session whose only connection is over.
async fn idle(server: &Running) -> SessionId {
    let (session, cookie, room) = server.begin().await;
    let poll = request(&format!("GET /v1/{room}/short-polling"), &format!("Cookie: {cookie}\r\n"), "");
    assert!(server.exchange(&poll).await.starts_with("HTTP/1.1 200"));
    until("a connection is open", || server.registry.sums(session).values().all(|sums| sums.open == 0)).await;
    assert!(!server.registry.sums(session).is_empty());
    session
}

#[tokio::test]
async fn a_session_is_forgotten_a_while_after_its_last_connection() {
    let server = Running::start();
    let (gone, there) = (idle(&server).await, idle(&server).await);
    let tcp = TcpStream::connect(server.address).await.unwrap();
    let open = server.registry.watch(&tcp).unwrap();
    server.registry.claim(&open.line, there);
    for (later, kept) in [(FORGET_AFTER / 2, [true, true]), (FORGET_AFTER + Duration::from_secs(1), [false, true])] {
        server.registry.sweep(Instant::now() + later);
        let sums = [gone, there].map(|session| !server.registry.sums(session).is_empty());
        assert_eq!(sums, kept, "after {later:?}");
    }
}

#[tokio::test]
async fn of_too_many_sessions_that_goes_which_is_longest_without_a_connection() {
    let server = Running::start();
    let (oldest, next) = (idle(&server).await, idle(&server).await);
    let tcp = TcpStream::connect(server.address).await.unwrap();
    // It passes from one to another: all but the last are without.
    let open = server.registry.watch(&tcp).unwrap();
    let pass_on = |count: usize| (0..count).for_each(|_| server.registry.claim(&open.line, SessionId(rand::random())));
    let kept = || [oldest, next].map(|session| !server.registry.sums(session).is_empty());
    pass_on(MAX_SESSIONS - 2);
    assert_eq!(kept(), [true, true]);
    pass_on(1);
    assert_eq!(kept(), [false, true]);
}
