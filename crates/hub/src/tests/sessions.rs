//! Sessions: what one may take up, who may publish, and how it ends.

use tokio::{
    task::JoinSet,
    time::{Duration, Instant, advance, sleep, timeout},
};
use wire::{Close, SessionId, control::codes};

use super::{HOUR, anyone, begin, draft, send, try_send};
use crate::{Caller, Hub, Limits, PublishError, SessionError};

/// When the next publication is taken, as the refusal of this one says.
fn retry_after(hub: &Hub, caller: &Caller) -> Duration {
    match try_send(hub, caller, &draft()) {
        Err(PublishError::Session(SessionError::TooFast { retry_after, .. })) => retry_after,
        other => panic!("{other:?}"),
    }
}

/// How many publications are taken at once.
fn taken(hub: &Hub, caller: &Caller) -> usize {
    (0..1_000).take_while(|_| try_send(hub, caller, &draft()).is_ok()).count()
}

#[tokio::test(start_paused = true)]
async fn a_session_publishes_its_burst_and_then_at_its_rate() {
    let hub = Hub::new(Limits { publish_limit: 10, publish_burst: 3, ..Limits::default() });
    let ana = begin(&hub, "ana");
    assert_eq!(taken(&hub, &ana), 3);
    let wait = retry_after(&hub, &ana);
    assert_eq!(wait, Duration::from_millis(100));
    advance(wait.saturating_sub(Duration::from_millis(1))).await;
    let rest = retry_after(&hub, &ana);
    assert!(rest < Duration::from_millis(2), "being refused costs nothing: {rest:?}");
    // The clock of these tests has milliseconds.
    advance(rest + Duration::from_millis(1)).await;
    send(&hub, &ana, &draft());
    let mut count = 0;
    for _ in 0..6_000 {
        advance(Duration::from_millis(10)).await;
        count += taken(&hub, &ana);
    }
    assert!((599..=601).contains(&count), "{count} in a minute");
    advance(HOUR).await;
    assert_eq!(taken(&hub, &ana), 3, "what was not used is not saved up beyond the burst");
}

#[tokio::test(start_paused = true)]
async fn the_rate_is_a_sessions_own_over_all_its_callers_and_nobody_elses() {
    let hub = Hub::new(Limits { publish_limit: 1, publish_burst: 4, ..Limits::default() });
    let [ana, bob] = ["ana", "bob"].map(|name| begin(&hub, name));
    let resumed = hub.sessions().resume(ana.id(), "ana", HOUR);
    for caller in [&ana, &resumed, &ana.clone(), &resumed.clone()] {
        send(&hub, caller, &draft());
    }
    for caller in [&ana, &resumed] {
        retry_after(&hub, caller);
    }
    assert_eq!(taken(&hub, &bob), 4);
    assert_eq!(taken(&hub, &anyone()), 1_000, "a caller without a name has no limit");
    let unlimited = Hub::new(Limits { publish_limit: 0, publish_burst: 0, ..Limits::default() });
    assert_eq!(taken(&unlimited, &begin(&unlimited, "ana")), 1_000);
    assert_eq!(unlimited.limits().check(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_for_itself_takes_nothing_off_the_limit() {
    let hub = Hub::new(Limits { publish_limit: 1, publish_burst: 1, data_bytes: 1, ..Limits::default() });
    let ana = begin(&hub, "ana");
    let long = serde_json::from_str("12").unwrap();
    for _ in 0..5 {
        let refused = try_send(&hub, &ana, &wire::Draft::new("message".into(), long));
        assert!(matches!(refused, Err(PublishError::Data(_))), "{refused:?}");
    }
    send(&hub, &ana, &draft());
}

#[test]
fn a_session_has_so_many_connections_and_one_that_ends_makes_room() {
    let limits = Limits { session_connections: 2, ..Limits::default() };
    let hub = Hub::new(limits.clone());
    let [ana, bob] = ["ana", "bob"].map(|name| begin(&hub, name));
    let resumed = hub.sessions().resume(ana.id(), "ana", HOUR);
    let refused = SessionError::TooManyConnections { limit: 2 };
    for _ in 0..3 {
        let held = [ana.connect(&limits).unwrap(), resumed.connect(&limits).unwrap()];
        for _ in 0..3 {
            assert_eq!(ana.connect(&limits).err(), Some(refused));
        }
        let others: Vec<_> = [&bob, &bob].map(|caller| caller.connect(&limits).unwrap()).into();
        let strangers: Vec<_> = (0..9).map(|_| anyone().connect(&limits).unwrap()).collect();
        let [first, _second] = held;
        drop(first);
        drop(ana.connect(&limits).unwrap());
        drop((others, strangers));
    }
    let limits = Limits { session_connections: 0, ..limits };
    let many: Vec<_> = (0..1_000).map(|_| ana.connect(&limits)).collect();
    assert!(many.iter().all(Result::is_ok));
}

#[test]
fn a_server_that_requires_sessions_takes_nothing_from_strangers() {
    let hub = Hub::new(Limits { require_session: true, ..Limits::default() });
    let refused =
        |result: Result<_, PublishError>| matches!(result, Err(PublishError::Session(SessionError::Nameless)));
    assert!(refused(try_send(&hub, &anyone(), &draft()).map(drop)));
    assert!(refused(hub.publish_all("chat", &draft(), &anyone(), 7).map(drop)));
    assert_eq!((hub.counts().rooms, hub.counts().publications), (0, 0));
    send(&hub, &begin(&hub, "ana"), &draft());
    assert!(anyone().connect(hub.limits()).is_ok(), "they may read");
}

#[tokio::test(start_paused = true)]
async fn everybody_who_waits_for_the_end_of_a_session_hears_it_and_nobody_else() {
    let hub = Hub::new(Limits::default());
    let [ana, bob] = ["ana", "bob"].map(|name| begin(&hub, name));
    let mut ends = JoinSet::new();
    for index in 0..100 {
        let caller = if index % 2 == 0 { ana.clone() } else { hub.sessions().resume(ana.id(), "ana", HOUR) };
        let closing = hub.closing(&caller);
        ends.spawn(async move { (closing.await, Instant::now()) });
    }
    let mut others: Vec<_> = [&bob, &anyone()].map(|caller| Box::pin(hub.closing(caller))).into();
    sleep(Duration::from_secs(1)).await;
    assert!(ends.try_join_next().is_none() && !ana.is_ended());
    let begin = Instant::now();
    hub.sessions().end(ana.id(), HOUR);
    for (Close { code, reconnect, .. }, at) in ends.join_all().await {
        assert_eq!((code, reconnect, at), (codes::SESSION_ENDED, false, begin));
    }
    assert!(ana.is_ended() && !bob.is_ended() && !anyone().is_ended());
    for other in &mut others {
        assert!(timeout(HOUR, other).await.is_err());
    }
    assert_eq!(hub.closing(&ana).await.code, codes::SESSION_ENDED, "who asks later too");
}

#[tokio::test(start_paused = true)]
async fn an_ended_session_is_not_resumed_until_its_token_would_be_over() {
    let hub = Hub::new(Limits::default());
    let ana = begin(&hub, "ana");
    hub.sessions().end(ana.id(), HOUR);
    let resume = || {
        hub.sweep(Instant::now());
        hub.sessions().resume(ana.id(), "ana", HOUR)
    };
    let ended = resume();
    assert!(ended.is_ended() && ended.name() == Some("ana"));
    assert!(matches!(try_send(&hub, &ended, &draft()), Err(PublishError::Session(SessionError::Ended))));
    assert_eq!(hub.is_closing(&ended).unwrap().code, codes::SESSION_ENDED);
    assert_eq!(hub.closing(&ended).await.code, codes::SESSION_ENDED);
    assert_eq!(hub.is_closing(&anyone()), None);
    advance(HOUR.saturating_sub(Duration::from_millis(1))).await;
    assert!(resume().is_ended());
    advance(Duration::from_millis(1)).await;
    assert!(!resume().is_ended(), "whoever checks tokens refuses it by now");
    // One that nobody uses is ended just as well.
    let unknown = SessionId(7);
    hub.sessions().end(unknown, HOUR);
    assert!(hub.sessions().resume(unknown, "bob", HOUR).is_ended());
}

#[tokio::test(start_paused = true)]
async fn of_too_many_ended_sessions_none_comes_back_and_as_old_ones_end_with_them() {
    let hub = Hub::new(Limits { ended_sessions: 3, ..Limits::default() });
    let callers = ["a", "b", "c", "d", "e"].map(|name| begin(&hub, name));
    let hours = [3, 1, 5, 2, 4];
    for (caller, hours) in callers.iter().zip(hours) {
        hub.sessions().end(caller.id(), hours * HOUR);
    }
    for (caller, hours) in callers.iter().zip(hours) {
        assert!(hub.sessions().resume(caller.id(), "x", hours * HOUR).is_ended(), "{hours}");
    }
    assert!(callers.iter().all(Caller::is_ended), "who used one is gone too");
    // Two were not remembered; the later of their tokens was good for two hours.
    let other = |rest| hub.sessions().resume(SessionId(7), "other", rest).is_ended();
    assert!(other(2 * HOUR) && !other(2 * HOUR + Duration::from_millis(1)));
}

#[tokio::test(start_paused = true)]
async fn a_session_keeps_its_name_and_limits_while_it_is_used_and_is_forgotten_after() {
    let hub = Hub::new(Limits { publish_limit: 1, publish_burst: 2, ..Limits::default() });
    let ana = begin(&hub, "ana");
    let id = ana.id();
    assert_eq!(taken(&hub, &ana), 2);
    hub.sweep(Instant::now());
    let resumed = hub.sessions().resume(id, "ana", HOUR);
    assert_eq!((resumed.id(), resumed.name(), taken(&hub, &resumed)), (id, Some("ana"), 0));
    drop((ana, resumed));
    hub.sweep(Instant::now());
    assert_eq!(taken(&hub, &hub.sessions().resume(id, "ana", HOUR)), 0, "no sweep gives what it has used up");
    advance(2 * Duration::from_secs(1)).await;
    hub.sweep(Instant::now());
    assert_eq!(taken(&hub, &hub.sessions().resume(id, "ana", HOUR)), 2);
    assert_ne!(begin(&hub, "ana").id(), id, "a name is nobody's own");
}
