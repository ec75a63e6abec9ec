//! Scripts: conditions, order, seeds, and traffic through random ones.

use std::time::Duration;

use tokio::{io::AsyncWriteExt as _, time::Instant};

use super::{MIB, Net, exchange, expect, is_over, talk};
use crate::{Action, After, Kind, Script, Step, Way};

const EVERY_KIND: [Kind; 6] = [Kind::Delay, Kind::Stall, Kind::Dribble, Kind::Cut, Kind::HalfClose, Kind::Heal];

fn step(after: After, act: Action) -> Step {
    Step { after, act }
}

#[tokio::test]
async fn a_step_waits_for_its_bytes_in_its_direction() {
    let net = Net::new().await;
    let (mut client, mut server) = net.pair().await;
    let playing = tokio::spawn(net.control.play(vec![step(After::Bytes(Way::Up, 100), Action::Cut)]));
    server.write_all(&[0; 200]).await.unwrap();
    expect(&mut client, &[0; 200]).await;
    client.write_all(&[0; 99]).await.unwrap();
    expect(&mut server, &[0; 99]).await;
    client.write_all(&[0]).await.unwrap();
    playing.await.unwrap();
    assert_eq!(net.control.bytes(Way::Up), 100);
    assert!(is_over(&mut client).await);
}

#[tokio::test]
async fn time_counts_from_the_step_before() {
    let net = Net::new().await;
    let start = Instant::now();
    let after = After::Time(Duration::from_millis(20));
    net.control.play(vec![step(after, Action::Cut), step(after, Action::Heal)]).await;
    assert!(start.elapsed() >= Duration::from_millis(40));
    exchange(net.pair().await, 10).await;
}

#[tokio::test]
async fn connections_count_from_the_step_before_and_refused_ones_too() {
    let net = Net::new().await;
    let (mut first, _server) = net.pair().await;
    let playing = tokio::spawn(net.control.play(vec![
        step(After::Connections(2), Action::Stall(Way::Up)),
        step(After::Connections(2), Action::Cut),
        step(After::Connections(2), Action::Heal),
    ]));
    while !playing.is_finished() {
        drop(net.connect().await);
    }
    playing.await.unwrap();
    assert!(is_over(&mut first).await);
    assert!(net.control.accepted() >= 1 + 2 + 2 + 2, "{}", net.control.accepted());
}

#[tokio::test]
async fn a_script_is_dropped_with_its_future() {
    let net = Net::new().await;
    drop(net.control.play(vec![step(After::Time(Duration::ZERO), Action::Cut)]));
    exchange(net.pair().await, 10).await;
}

#[test]
fn the_same_seed_gives_the_same_script_and_another_seed_another() {
    let make = |seed| Script::random(seed, 50, &EVERY_KIND);
    assert_eq!(make(7), make(7));
    assert_ne!(make(7).steps(), make(8).steps());
    assert_eq!(make(7).steps().len(), 51);
}

#[test]
fn a_random_script_heals_at_its_end_and_holds_only_what_was_asked_for() {
    for seed in 0..100 {
        let script = Script::random(seed, 20, &[Kind::Stall, Kind::Delay]);
        let (last, others) = script.steps().split_last().unwrap();
        assert_eq!(last.act, Action::Heal);
        assert!(others.iter().all(|step| matches!(step.act, Action::Stall(_) | Action::Delay(..))), "{script:?}");
        assert!(script.steps().iter().all(|step| matches!(step.after, After::Time(_))), "{script:?}");
    }
    assert_eq!(Script::random(1, 5, &[]).steps().len(), 1);
}

#[test]
fn a_random_script_prints_the_call_that_makes_it() {
    let printed = format!("{:?}", Script::random(3, 2, &[Kind::Delay, Kind::Cut]));
    let call = "Script::random(3, 2, &[Delay, Cut])";
    let steps = "[Step { after: Time(19ms), act: Delay(Down, 10ms) }, \
                 Step { after: Time(24ms), act: Cut }, \
                 Step { after: Time(25ms), act: Heal }]";
    assert_eq!(printed, format!("{call}: {steps}"));
}

#[tokio::test]
async fn random_scripts_that_lose_nothing_lose_nothing() {
    for seed in 0..8 {
        let net = Net::new().await;
        let script = Script::random(seed, 12, &Kind::LOSSLESS);
        println!("{script:?}");
        let playing = net.control.play(script.steps().to_vec());
        tokio::join!(exchange(net.pair().await, MIB / 4), playing);
    }
}

#[tokio::test]
async fn after_any_random_script_old_connections_end_and_new_ones_are_plain() {
    for seed in 0..8 {
        let net = Net::new().await;
        let script = Script::random(seed, 12, &EVERY_KIND);
        println!("{script:?}");
        let (client, server) = net.pair().await;
        let bytes = vec![0; MIB];
        let playing = net.control.play(script.steps().to_vec());
        // What the old ends heard depends on the script; that they are not left waiting does not.
        let (_client, _server, ()) = tokio::join!(talk(client, &bytes), talk(server, &bytes), playing);
        exchange(net.pair().await, MIB / 4).await;
    }
}
