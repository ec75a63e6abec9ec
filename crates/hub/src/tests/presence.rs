//! Who is in a room: announced when a named session comes by its first lane and goes with its last.

use std::{sync::Arc, thread};

use tokio::time::{Duration, Instant, advance};
use wire::{After, Close, Publication};

use super::{ALL, HOUR, anyone, begin, general, hub_holding, offsets, ready};
use crate::{Caller, Hub, HubError, Limits, Manner, Room, SessionError, Subscription, Wait, presence::GRACE};

const SECOND: Duration = Duration::from_secs(1);

fn room(hub: &Hub) -> Arc<Room> {
    hub.room(&general()).unwrap()
}

fn stream(hub: &Hub, caller: &Caller, transport: &'static str) -> Subscription {
    hub.subscribe(&general(), After::Head, caller, transport).unwrap()
}

/// Asks once, and is answered at once.
fn ask(hub: &Hub, caller: &Caller) {
    drop(room(hub).attend(caller, "asking", Manner::Requests, hub.limits()).unwrap());
}

/// Lets time pass, and looks for those who did not come again.
async fn pass(hub: &Hub, time: Duration) {
    advance(time).await;
    hub.lapse(Instant::now());
}

/// What the room has announced so far, as `event name`.
async fn announced(hub: &Hub) -> Vec<String> {
    let room = room(hub);
    let batch = room.read_from(anyone().id(), &room.resolve(&After::Earliest), ALL, Wait::No).await;
    let says = |publication: Publication<'_>| format!("{} {}", publication.event, publication.from.unwrap());
    batch.items.iter().map(|stored| says(Publication::decode(stored.text()).unwrap())).collect()
}

/// By which transports named sessions are there, as `name transport`.
fn present(hub: &Hub) -> Vec<String> {
    let mut rows: Vec<_> = room(hub).present().iter().map(|row| format!("{} {}", row.name, row.transport)).collect();
    rows.sort();
    rows
}

#[tokio::test(start_paused = true)]
async fn a_session_comes_with_its_first_lane_and_goes_with_its_last() {
    let hub = hub_holding(100);
    let [ana, bob] = ["ana", "bob"].map(|name| begin(&hub, name));
    let first = stream(&hub, &ana, "first");
    let more = [stream(&hub, &ana, "second"), stream(&hub, &ana, "second"), stream(&hub, &bob, "first")];
    assert_eq!(announced(&hub).await, ["join ana", "join bob"]);
    assert_eq!(present(&hub), ["ana first", "ana second", "bob first"]);
    drop(first);
    assert_eq!(present(&hub), ["ana second", "bob first"]);
    drop(more);
    assert_eq!(announced(&hub).await[2..], ["leave ana", "leave bob"]);
    assert_eq!(present(&hub), Vec::<String>::new());
    let again = stream(&hub, &ana, "third");
    assert_eq!(announced(&hub).await[4..], ["join ana"], "who comes back is announced again");
    drop(again);
}

#[tokio::test(start_paused = true)]
async fn who_comes_is_told_of_itself_and_the_announcement_names_the_session() {
    let hub = hub_holding(100);
    let ana = begin(&hub, "ana");
    let mut subscription = stream(&hub, &ana, "first");
    let batch = ready(&mut subscription, ALL).await.unwrap();
    let publication = Publication::decode(batch.items[0].text()).unwrap();
    assert_eq!((publication.event.as_ref(), publication.from.as_deref()), ("join", Some("ana")));
    assert_eq!(publication.data.get(), format!(r#"{{"session":"{}"}}"#, ana.id()));
    assert_eq!(offsets(&batch), [1]);
}

#[tokio::test(start_paused = true)]
async fn strangers_are_counted_and_never_announced() {
    let hub = hub_holding(100);
    let ana = begin(&hub, "ana");
    let strangers = [stream(&hub, &anyone(), "first"), stream(&hub, &anyone(), "first")];
    ask(&hub, &anyone());
    let named = stream(&hub, &ana, "first");
    assert_eq!((announced(&hub).await, room(&hub).anonymous()), (vec!["join ana".to_owned()], 2));
    drop(strangers);
    assert_eq!((present(&hub), room(&hub).anonymous()), (vec!["ana first".to_owned()], 0));
    drop(named);
    pass(&hub, 3600 * SECOND).await;
    assert_eq!(announced(&hub).await, ["join ana", "leave ana"]);
}

#[tokio::test(start_paused = true)]
async fn who_has_asked_once_is_waited_for_as_long_as_most_people_choose() {
    let hub = hub_holding(100);
    let ana = begin(&hub, "ana");
    ask(&hub, &ana);
    pass(&hub, (10 * SECOND).mul_f64(GRACE).saturating_sub(Duration::from_millis(1))).await;
    assert_eq!((announced(&hub).await, present(&hub)), (vec!["join ana".to_owned()], vec!["ana asking".to_owned()]));
    pass(&hub, Duration::from_millis(1)).await;
    pass(&hub, SECOND).await;
    assert_eq!(announced(&hub).await, ["join ana", "leave ana"], "once");
    assert_eq!(present(&hub), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn who_asks_again_and_again_is_waited_for_by_its_own_rhythm() {
    for (interval, waited) in [(2 * SECOND, 5 * SECOND), (60 * SECOND, 150 * SECOND), (SECOND / 10, SECOND * 5 / 2)] {
        let hub = hub_holding(100);
        let ana = begin(&hub, "ana");
        ask(&hub, &ana);
        for _ in 0..5 {
            // Slower than the first guess: it is away for longer than that, so nothing looks meanwhile.
            advance(interval).await;
            ask(&hub, &ana);
        }
        pass(&hub, waited.saturating_sub(Duration::from_millis(1))).await;
        assert_eq!(announced(&hub).await, ["join ana"], "every {interval:?}");
        pass(&hub, Duration::from_millis(1)).await;
        assert_eq!(announced(&hub).await, ["join ana", "leave ana"], "every {interval:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_pages_that_ask_soon_after_one_another_make_one_rhythm() {
    let hub = hub_holding(100);
    let ana = begin(&hub, "ana");
    for _ in 0..10 {
        ask(&hub, &ana);
        for _ in 0..6 {
            pass(&hub, SECOND / 10).await;
        }
        ask(&hub, &ana);
        for _ in 0..44 {
            pass(&hub, SECOND / 10).await;
        }
    }
    assert_eq!(announced(&hub).await, ["join ana"]);
}

#[tokio::test(start_paused = true)]
async fn a_first_position_and_the_question_behind_it_are_no_rhythm() {
    let hub = hub_holding(100);
    let ana = begin(&hub, "ana");
    ask(&hub, &ana);
    for _ in 0..5 {
        ask(&hub, &ana);
        for _ in 0..10 {
            pass(&hub, SECOND).await;
        }
    }
    assert_eq!(announced(&hub).await, ["join ana"]);
}

#[tokio::test(start_paused = true)]
async fn who_asks_more_seldom_than_the_first_guess_is_missed_once() {
    let hub = hub_holding(100);
    let ana = begin(&hub, "ana");
    for _ in 0..5 {
        ask(&hub, &ana);
        for _ in 0..60 {
            pass(&hub, SECOND).await;
        }
    }
    assert_eq!(announced(&hub).await, ["join ana", "leave ana", "join ana"]);
}

#[tokio::test(start_paused = true)]
async fn coming_and_going_takes_of_what_a_session_may_publish() {
    let hub = Hub::new(Limits { publish_limit: 1, publish_burst: 3, ..Limits::default() });
    let ana = begin(&hub, "ana");
    for _ in 0..3 {
        drop(stream(&hub, &ana, "first"));
    }
    let refused = hub.subscribe(&general(), After::Head, &ana, "first").unwrap_err();
    assert!(matches!(refused, HubError::Session(SessionError::TooFast { .. })), "{refused:?}");
    assert_eq!(announced(&hub).await.len(), 6);
    advance(SECOND).await;
    let there = stream(&hub, &ana, "first");
    drop([stream(&hub, &ana, "second"), stream(&hub, &ana, "first")]);
    assert_eq!(announced(&hub).await.len(), 7, "who is there already is not announced, and pays nothing");
    drop(there);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_who_goes_when_all_do() {
    let hub = hub_holding(100);
    let callers = ["ana", "bob"].map(|name| begin(&hub, name));
    let subscriptions = callers.each_ref().map(|caller| stream(&hub, caller, "first"));
    let reason = "over".to_owned();
    hub.close(Close { code: 3001, reason, reconnect: true, retry_after_ms: 0 });
    drop(subscriptions);
    // On connections that are open until their turn has come.
    ask(&hub, &callers[0]);
    drop(stream(&hub, &callers[1], "first"));
    assert_eq!(present(&hub), ["ana asking"]);
    pass(&hub, 60 * SECOND).await;
    assert_eq!((announced(&hub).await, present(&hub)), (vec!["join ana".to_owned(), "join bob".to_owned()], vec![]));
}

#[tokio::test(start_paused = true)]
async fn an_ended_session_that_asked_is_gone_with_the_next_look() {
    let hub = hub_holding(100);
    let ana = begin(&hub, "ana");
    ask(&hub, &ana);
    hub.sessions().end(ana.id(), HOUR);
    pass(&hub, SECOND / 10).await;
    assert_eq!((announced(&hub).await, present(&hub)), (vec!["join ana".to_owned(), "leave ana".to_owned()], vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_held_keeps_its_session_there_however_long() {
    let hub = hub_holding(100);
    let ana = begin(&hub, "ana");
    for _ in 0..6 {
        let held = room(&hub).attend(&ana, "asking", Manner::Requests, hub.limits()).unwrap();
        for _ in 0..60 {
            pass(&hub, SECOND).await;
        }
        assert_eq!(present(&hub), ["ana asking"]);
        drop(held);
    }
    // It asked again at once, so the shortest interval is its own.
    pass(&hub, 2 * SECOND).await;
    assert_eq!(announced(&hub).await, ["join ana"]);
    pass(&hub, SECOND).await;
    assert_eq!(announced(&hub).await, ["join ana", "leave ana"]);
}

#[tokio::test(start_paused = true)]
async fn who_asks_beside_a_stream_is_there_by_both_and_goes_with_the_last() {
    let hub = hub_holding(100);
    let [ana, bob] = ["ana", "bob"].map(|name| begin(&hub, name));
    let held = stream(&hub, &ana, "first");
    ask(&hub, &ana);
    let bobs = stream(&hub, &bob, "first");
    ask(&hub, &bob);
    drop(held);
    assert_eq!(present(&hub), ["ana asking", "bob asking", "bob first"]);
    pass(&hub, 26 * SECOND).await;
    assert_eq!(announced(&hub).await, ["join ana", "join bob", "leave ana"]);
    assert_eq!(present(&hub), ["bob first"]);
    drop(bobs);
    assert_eq!(announced(&hub).await[3..], ["leave bob"]);
}

#[tokio::test(start_paused = true)]
async fn since_is_when_the_session_came_by_that_transport() {
    let hub = hub_holding(100);
    let ana = begin(&hub, "ana");
    let before = measure::unix_time_us();
    let first = stream(&hub, &ana, "first");
    let between = measure::unix_time_us();
    let second = stream(&hub, &ana, "first");
    let rows = room(&hub).present();
    assert_eq!((rows.len(), rows[0].session), (1, ana.id()));
    assert!((before..=between).contains(&rows[0].since_us), "{rows:?}");
    drop((first, second));
}

#[test]
fn comings_and_goings_are_announced_in_the_order_in_which_they_were() {
    const THREADS: usize = 4;
    let hub = Hub::new(Limits { publish_limit: 0, ring_items: 100_000, ..Limits::default() });
    let ana = begin(&hub, "ana");
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..500 {
                    drop(room(&hub).attend(&ana, "first", Manner::Stream, hub.limits()).unwrap());
                }
            });
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let told = runtime.block_on(announced(&hub));
    assert!(told.len() >= 2 && told.len().is_multiple_of(2), "{}", told.len());
    assert!(told.chunks(2).all(|pair| pair == ["join ana", "leave ana"]), "{told:?}");
}
