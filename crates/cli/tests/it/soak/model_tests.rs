//! The model finds what it is there to find.

use wire::{Epoch, Gap, GapReason, Position, RoomName, SessionId};

use super::model::{Audience, Log, Model, Sent, Told, Viewer};

const ANA: SessionId = SessionId(1);
const BOB: SessionId = SessionId(2);

fn room() -> RoomName {
    RoomName::new("soak", "a").unwrap()
}

fn at(offset: u64) -> Position {
    Position { epoch: Epoch::new("one").unwrap(), offset }
}

fn later(offset: u64) -> Position {
    Position { epoch: Epoch::new("two").unwrap(), offset }
}

fn json(offset: u64, n: u64) -> String {
    format!(r#"{{"offset":{offset},"event":"e","from":null,"at_us":1,"data":{{"n":{n}}}}}"#)
}

/// 1 is for everybody, 2 for all but ana, 3 for everybody; all three stand.
fn model() -> Model {
    let mut model = Model::default();
    for (n, audience) in [(1, Audience::Everybody), (2, Audience::AllBut(ANA)), (3, Audience::Everybody)] {
        let (room, event) = (Some(room()), "e".to_owned());
        let sent = Sent { room, namespace: "soak".to_owned(), from: None, to: None, event, audience };
        model.sent.insert(n, sent);
        model.seen(&self::room(), &at(n), &json(n, n)).unwrap();
    }
    model.epochs.insert(room(), vec![at(0).epoch, later(0).epoch]);
    model
}

fn ready(position: Position) -> Told {
    Told::Ready { asked: None, position }
}

fn delivery(offset: u64) -> Told {
    Told::Delivery { position: at(offset), json: json(offset, offset).into() }
}

fn gap(from: u64, to: u64, missed: u64) -> Told {
    let (from, missed) = (Some(from), Some(missed));
    Told::Gap(Gap { from, to: Some(to), missed, reason: GapReason::Trimmed, position: at(to) })
}

fn epoch(position: Position) -> Told {
    Told::Gap(Gap { from: None, to: None, missed: None, reason: GapReason::Epoch, position })
}

fn wrong(viewer: Viewer, told: Vec<Told>) -> usize {
    let log = Log { who: "it".to_owned(), viewer, room: room(), told, until: None };
    model().check(&log).len()
}

#[test]
fn the_soak_s_model_has_nothing_against_what_is_right() {
    let start = || ready(at(0));
    assert_eq!(wrong(None, vec![start(), delivery(1), delivery(2), delivery(3)]), 0);
    assert_eq!(wrong(Some(ANA), vec![start(), delivery(1), delivery(3)]), 0);
    assert_eq!(wrong(Some(BOB), vec![start(), gap(1, 2, 2), ready(at(2)), delivery(3)]), 0);
    assert_eq!(wrong(Some(ANA), vec![ready(at(1)), gap(3, 3, 1)]), 0, "what is for others is no part of a gap");
    assert_eq!(wrong(None, vec![start(), delivery(1), ready(at(1)), epoch(later(0))]), 0);
    assert_eq!(model().complaints(), Vec::<String>::new());
}

#[test]
fn the_soak_s_model_finds_what_is_lost_doubled_foreign_or_out_of_order() {
    let start = || ready(at(0));
    assert_eq!(wrong(None, vec![start(), delivery(1), delivery(3)]), 1, "lost");
    assert_eq!(wrong(None, vec![start(), delivery(1), delivery(1)]), 1, "doubled");
    assert_eq!(wrong(None, vec![start(), delivery(1), delivery(3), delivery(2)]), 2, "out of order");
    assert_eq!(wrong(Some(ANA), vec![start(), delivery(1), delivery(2)]), 1, "foreign");
    assert_eq!(wrong(None, vec![delivery(1)]), 1, "before its start");
    assert_eq!(wrong(None, vec![start(), gap(1, 2, 1)]), 1, "a gap with a wrong count");
    assert_eq!(wrong(None, vec![start(), gap(2, 2, 1)]), 1, "lost before a gap");
    assert_eq!(wrong(None, vec![ready(at(1)), gap(1, 2, 2)]), 1, "a gap around what was told");
    assert_eq!(wrong(None, vec![ready(later(0)), epoch(at(0))]), 1, "back to an old epoch");
    assert_eq!(wrong(None, vec![Told::Ready { asked: Some(at(1)), position: at(2) }]), 1, "another start");
    let cut_short =
        Log { who: "it".to_owned(), viewer: None, room: room(), told: vec![start(), delivery(1)], until: Some(at(3)) };
    assert_eq!(model().check(&cut_short).len(), 1, "lost at the end");
}

#[test]
fn the_soak_s_model_knows_what_may_stand_where() {
    let mut model = model();
    let mut sees = |position: Position, json: &str| model.seen(&room(), &position, json).is_err();
    assert!(!sees(at(1), &json(1, 1)));
    assert!(sees(at(1), &json(1, 3)), "two at one offset");
    assert!(sees(at(4), &json(4, 9)), "sent by nobody");
    assert!(sees(at(4), &json(5, 3)), "of another offset");
    assert!(sees(at(4), &json(4, 3).replace("null", "\"ana\"")), "by somebody else");
    assert!(model.seen(&RoomName::new("soak", "b").unwrap(), &at(1), &json(1, 1)).is_err(), "in another room");
    assert!(model.acknowledged(&room(), &at(1), 3).is_err(), "acknowledged elsewhere");
    assert!(model.acknowledged(&room(), &at(3), 3).is_ok());
    assert_eq!(model.complaints().len(), 0);
    model.acknowledged(&room(), &at(4), 3).unwrap();
    assert_eq!(model.complaints().len(), 1, "twice in one history");
    model.acknowledged(&room(), &later(1), 3).unwrap();
    assert_eq!(model.complaints().len(), 1, "once in each of two");
    for offset in 5..=6 {
        let json =
            format!(r#"{{"offset":{offset},"event":"join","from":"ana","at_us":1,"data":{{"session":"{ANA}"}}}}"#);
        model.seen(&room(), &at(offset), &json).unwrap();
    }
    assert_eq!(model.complaints().len(), 2, "came twice");
}
