//! The announced end: heard by all, spread over time, once.

use tokio::{
    task::JoinSet,
    time::{Duration, Instant, sleep, timeout},
};
use wire::Close;

use super::{anyone, general, publish};
use crate::{Hub, Limits};

fn leave(code: u16) -> Close {
    Close { code, reason: "the server restarts".to_owned(), reconnect: true, retry_after_ms: 1_000 }
}

#[tokio::test(start_paused = true)]
async fn ends_are_spread_over_the_time_given() {
    let hub = Hub::new(Limits::default());
    let mut subscribers = JoinSet::new();
    for _ in 0..1_000 {
        let closing = hub.closing(&anyone());
        subscribers.spawn(async move { (closing.await, Instant::now()) });
    }
    sleep(Duration::from_mins(1)).await;
    let begin = Instant::now();
    hub.close(leave(3000));
    let ends = subscribers.join_all().await;
    assert!(ends.iter().all(|(close, _)| *close == leave(3000)));
    let within = |time| ends.iter().filter(|(_, at)| *at - begin <= time).count();
    let half = within(Duration::from_secs(1));
    assert!((350..650).contains(&half), "{half} of 1,000 ended in the first half");
    // Paused time has millisecond ticks: the last one may round up.
    assert_eq!(within(Duration::from_millis(2_001)), 1_000);
}

#[tokio::test(start_paused = true)]
async fn who_asks_after_the_spread_ends_at_once() {
    let hub = Hub::new(Limits::default());
    hub.close(leave(3000));
    sleep(Duration::from_secs(3)).await;
    let begin = Instant::now();
    assert_eq!(hub.closing(&anyone()).await, leave(3000));
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn only_the_first_close_is_heard_and_publishing_goes_on() {
    let hub = Hub::new(Limits::default());
    assert_eq!(hub.is_closing(&anyone()), None);
    assert!(timeout(Duration::from_hours(1), hub.closing(&anyone())).await.is_err());
    hub.close(leave(3000));
    hub.close(leave(3500));
    assert_eq!(hub.is_closing(&anyone()), Some(leave(3000)));
    assert_eq!(publish(&hub, &general(), "1").offset, 1);
}
