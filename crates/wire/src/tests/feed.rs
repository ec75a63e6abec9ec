//! The feed contract word for word: publications, control items, uplink items, batches, problems.

use proptest::{collection::vec, option, prelude::*};
use serde_json::{Value, value::RawValue};

use super::compaction::json;
use crate::{
    Ack, Close, Control, Draft, Epoch, Gap, GapReason, Hello, Item, Position, Publication, Refusal,
    control::codes,
    poll::{self, Batch},
    problem::{MEDIA_TYPE, Problem},
    session::{SessionId, check_name},
    uplink::{Uplink, reference_of},
};

const PUBLICATION: &str =
    r#"{"offset":17,"event":"message","from":"ana","at_us":1732090000123456,"data":{"text":"hi"}}"#;

fn position(text: &str) -> Position {
    text.parse().unwrap()
}

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

/// Every kind of control item with its text.
fn controls() -> [(Control, &'static str); 7] {
    let (reason, retry_after_ms) = ("drain".to_owned(), 1500);
    let (status, detail) = (413, "too large".to_owned());
    let hello = Hello { position: position("e.41"), session: "s1".to_owned(), heartbeat_ms: 25_000 };
    let slow =
        Gap { from: Some(5), to: Some(90), missed: Some(86), reason: GapReason::Slow, position: position("e.90") };
    let trimmed = Gap { reason: GapReason::Trimmed, ..slow.clone() };
    let epoch = Gap { from: None, to: None, missed: None, reason: GapReason::Epoch, position: position("f.0") };
    [
        (Control::Hello(hello), r#"{"hello":{"position":"e.41","session":"s1","heartbeat_ms":25000}}"#),
        (Control::Gap(slow), r#"{"gap":{"from":5,"to":90,"missed":86,"reason":"slow","position":"e.90"}}"#),
        (Control::Gap(trimmed), r#"{"gap":{"from":5,"to":90,"missed":86,"reason":"trimmed","position":"e.90"}}"#),
        (Control::Gap(epoch), r#"{"gap":{"from":null,"to":null,"missed":null,"reason":"epoch","position":"f.0"}}"#),
        (
            Control::Close(Close { code: codes::DRAIN, reason, reconnect: true, retry_after_ms }),
            r#"{"close":{"code":3001,"reason":"drain","reconnect":true,"retry_after_ms":1500}}"#,
        ),
        (
            Control::Ack(Ack { reference: Some(1), position: position("e.42") }),
            r#"{"ack":{"ref":1,"position":"e.42"}}"#,
        ),
        (
            Control::Error(Refusal { reference: None, status, detail }),
            r#"{"error":{"ref":null,"status":413,"detail":"too large"}}"#,
        ),
    ]
}

#[test]
fn a_publication_is_the_text_of_the_contract() {
    let data = raw(r#"{"text":"hi"}"#);
    let publication = Publication {
        offset: 17,
        event: "message".into(),
        from: Some("ana".into()),
        to: None,
        at_us: 1_732_090_000_123_456,
        data: &data,
    };
    assert_eq!(publication.encode(), PUBLICATION);
    let anonymous = Publication { from: None, ..publication.clone() };
    assert_eq!(anonymous.encode(), PUBLICATION.replace(r#""ana""#, "null"));
    let direct = Publication { to: Some(SessionId(0xa1)), ..publication };
    assert_eq!(direct.encode(), PUBLICATION.replace(r#","at_us""#, r#","to":"00000000000000a1","at_us""#));
    assert_eq!(Publication::decode(&direct.encode()).unwrap().to, direct.to);
}

#[test]
fn a_publication_is_read_without_touching_its_data() {
    let publication = Publication::decode(PUBLICATION).unwrap();
    assert_eq!((publication.offset, publication.at_us), (17, 1_732_090_000_123_456));
    assert_eq!((&*publication.event, publication.from.as_deref()), ("message", Some("ana")));
    assert_eq!(publication.data.get(), r#"{"text":"hi"}"#);
    let range = publication.data.get().as_bytes().as_ptr_range();
    assert!(PUBLICATION.as_bytes().as_ptr_range().contains(&range.start), "the data is borrowed");

    for data in ["12345678901234567890", "1e400", "-0", r#""\ud800\/""#, r#"{"a":1,"a":2}"#] {
        let text = PUBLICATION.replace(r#"{"text":"hi"}"#, data);
        assert_eq!(Publication::decode(&text).unwrap().encode(), text);
    }
}

#[test]
fn a_member_that_a_later_version_adds_is_passed_over() {
    let direct = PUBLICATION.replace(r#","data""#, r#","later":[1],"data""#);
    assert_eq!(Publication::decode(&direct).unwrap().encode(), PUBLICATION);
    let (control, text) = &controls()[0];
    let Item::Control(read) = Item::decode(&text.replace(r#""session""#, r#""later":[1],"session""#)).unwrap() else {
        panic!("a hello was expected")
    };
    assert_eq!(&read, control);
}

#[test]
fn what_is_no_publication_is_refused() {
    for (from, to) in [
        (r#""offset":17"#, r#""offset":-1"#),
        (r#""offset":17"#, r#""offset":17.0"#),
        (r#""offset":17"#, r#""offset":"17""#),
        (r#""event":"message","#, ""),
        (r#""event":"message""#, r#""event":null"#),
        (r#","data":{"text":"hi"}"#, ""),
        (r#"{"text":"hi"}}"#, r#"{"text":"hi"}"#),
        (r#"{"text":"hi"}}"#, r#"{"text":"hi"}} x"#),
    ] {
        let text = PUBLICATION.replacen(from, to, 1);
        assert_ne!(text, PUBLICATION);
        assert!(Publication::decode(&text).is_err(), "{text}");
        assert!(Item::decode(&text).is_err(), "{text}");
    }
}

#[test]
fn every_control_item_is_an_object_with_exactly_one_key() {
    for (control, text) in controls() {
        assert_eq!(control.encode(), text);
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(value.as_object().unwrap().len(), 1, "{text}");
        let Item::Control(read) = Item::decode(text).unwrap() else { panic!("{text}") };
        assert_eq!(read, control);
    }
}

#[test]
fn an_item_is_a_publication_or_a_control_item_and_nothing_else() {
    assert!(matches!(Item::decode(PUBLICATION), Ok(Item::Publication(_))));
    let (_, hello) = &controls()[0];
    let two_keys = hello.replacen('}', r#"},"gap":{}"#, 1);
    let refused = [
        "",
        "null",
        "{}",
        "[]",
        "\"hello\"",
        r#"{"hello":null}"#,
        r#"{"hello":{}}"#,
        r#"{"later":{}}"#,
        two_keys.as_str(),
    ];
    for text in refused {
        assert!(Item::decode(text).is_err(), "{text}");
    }
}

#[test]
fn a_draft_says_for_whom_it_is_and_by_which_key_it_is_known() {
    let data = raw("1");
    let draft =
        Draft { to: Some(SessionId(0xa1)), echo: false, key: Some("k 1".into()), ..Draft::new("a".into(), &data) };
    let text = r#"{"event":"a","data":1,"to":"00000000000000a1","echo":false,"key":"k 1"}"#;
    assert_eq!(draft.encode(), text);
    let read: Draft<'_> = serde_json::from_str(text).unwrap();
    assert_eq!((read.to, read.echo, read.key.as_deref()), (draft.to, false, Some("k 1")));
    let plain: Draft<'_> = serde_json::from_str(r#"{"event":"a","data":1}"#).unwrap();
    assert_eq!((plain.to, plain.echo, plain.key), (None, true, None));
    for wrong in
        [r#""to":"a1""#, r#""to":"00000000000000A1""#, r#""to":7"#, r#""echo":0"#, r#""key":1"#, r#""ehco":false"#]
    {
        assert!(serde_json::from_str::<Draft<'_>>(&format!(r#"{{"event":"a","data":1,{wrong}}}"#)).is_err(), "{wrong}");
    }
}

#[test]
fn a_session_is_sixteen_digits_and_its_name_a_short_text() {
    for id in [0, 1, 0xa1, u64::MAX] {
        let text = SessionId(id).to_string();
        assert_eq!((text.len(), text.parse()), (16, Ok(SessionId(id))));
    }
    for text in ["", "a1", "00000000000000g1", "+000000000000001", "00000000000000A1", "00000000000000001"] {
        assert!(text.parse::<SessionId>().is_err(), "{text:?}");
    }
    for name in ["ana", "Ana María", "房间", "😀", " a ", &"x".repeat(64)] {
        assert_eq!(check_name(name), Ok(()), "{name:?}");
    }
    for name in ["", " ", "\u{a0}", "a\nb", "\0", &"x".repeat(65)] {
        assert!(check_name(name).is_err(), "{name:?}");
    }
}

#[test]
fn codes_below_3500_come_back_and_the_others_stay_away() {
    for (code, back) in
        [(1000, false), (2999, false), (3000, true), (3001, true), (3499, true), (3500, false), (3999, false)]
    {
        assert_eq!(codes::comes_back(code), back, "{code}");
    }
}

#[test]
fn an_uplink_item_is_the_text_of_the_contract() {
    let data = raw(r#"{"text":"hi"}"#);
    let publish = Draft::new("message".into(), &data);
    assert_eq!(publish.encode(), r#"{"event":"message","data":{"text":"hi"}}"#);
    let text = r#"{"publish":{"event":"message","data":{"text":"hi"}},"ref":1}"#;
    let uplink = Uplink { publish, reference: Some(1) };
    assert_eq!(uplink.encode(), text);
    assert_eq!(Uplink { reference: None, ..uplink }.encode(), text.replace(r#","ref":1"#, ""));

    let spaced = r#" { "ref": 1, "publish": { "data": [ 1, 2 ], "event": "a\u0062" } } "#;
    let uplink: Uplink<'_> = serde_json::from_str(spaced).unwrap();
    assert_eq!((uplink.reference, &*uplink.publish.event), (Some(1), "ab"));
    assert_eq!(uplink.publish.data.get(), "[ 1, 2 ]", "compacting is up to the server");
}

#[test]
fn an_uplink_item_with_a_misspelt_member_is_refused_and_its_ref_is_known() {
    for text in [
        r#"{"publish":{"event":"a","data":1,"dta":2},"ref":7}"#,
        r#"{"publish":{"event":"a"},"ref":7}"#,
        r#"{"publsh":{"event":"a","data":1},"ref":7}"#,
        r#"{"ref":7}"#,
    ] {
        assert!(serde_json::from_str::<Uplink<'_>>(text).is_err(), "{text}");
        assert_eq!(reference_of(text), Some(7), "{text}");
    }
    for text in ["", "7", "{}", r#"{"ref":-7}"#, r#"{"ref":"7"}"#, r#"{"ref":null}"#, r#"{"ref":7"#] {
        assert_eq!(reference_of(text), None, "{text}");
    }
}

#[test]
fn a_batch_is_the_text_of_the_contract() {
    let mut text = String::new();
    poll::encode(&position("e.41"), [PUBLICATION, "{}"], Some(1000), &mut text);
    assert_eq!(text, format!(r#"{{"position":"e.41","items":[{PUBLICATION},{{}}],"retry_after_ms":1000}}"#));
    let batch = Batch::decode(&text).unwrap();
    assert_eq!((batch.position, batch.retry_after_ms), (position("e.41"), Some(1000)));
    assert_eq!(batch.items.iter().map(|item| item.get()).collect::<Vec<_>>(), [PUBLICATION, "{}"]);

    let mut empty = String::new();
    poll::encode(&position("e.41"), [], None, &mut empty);
    assert_eq!(empty, r#"{"position":"e.41","items":[]}"#);
    assert!(Batch::decode(&empty).unwrap().items.is_empty());
}

#[test]
fn what_is_no_batch_is_refused() {
    for text in [
        "",
        "[]",
        "{}",
        r#"{"position":"e.1"}"#,
        r#"{"items":[]}"#,
        r#"{"position":"e.01","items":[]}"#,
        r#"{"position":"e.1","items":[1,]}"#,
    ] {
        assert!(Batch::decode(text).is_err(), "{text}");
    }
}

#[test]
fn what_a_batch_adds_to_its_items_is_bounded() {
    let longest = Position { epoch: Epoch::new(&"e".repeat(32)).unwrap(), offset: u64::MAX };
    let mut text = String::new();
    poll::encode(&longest, [], Some(u64::MAX), &mut text);
    assert!(text.len() <= poll::WRAPPER_BYTES, "{} bytes", text.len());
}

#[test]
fn a_problem_has_the_members_of_rfc_9457_and_the_code_of_an_end() {
    let (kind, title) = ("closing".to_owned(), "Service Unavailable".to_owned());
    let problem = Problem { kind, title, status: 503, detail: "drain".to_owned(), code: Some(3001) };
    let text = r#"{"type":"closing","title":"Service Unavailable","status":503,"detail":"drain","code":3001}"#;
    assert_eq!(serde_json::to_string(&problem).unwrap(), text);
    assert_eq!(serde_json::from_str::<Problem>(text).unwrap(), problem);
    let without = Problem { code: None, ..problem };
    assert_eq!(serde_json::to_string(&without).unwrap(), text.replace(r#","code":3001"#, ""));
    assert_eq!(MEDIA_TYPE, "application/problem+json");
}

fn positions() -> impl Strategy<Value = Position> {
    ("[A-Za-z0-9_-]{1,32}", any::<u64>())
        .prop_map(|(epoch, offset)| Position { epoch: Epoch::new(&epoch).unwrap(), offset })
}

fn any_control() -> impl Strategy<Value = Control> {
    let reason = prop::sample::select(vec![GapReason::Trimmed, GapReason::Slow, GapReason::Epoch]);
    let number = || option::of(any::<u64>());
    prop_oneof![
        (positions(), any::<String>(), any::<u64>())
            .prop_map(|(position, session, heartbeat_ms)| Control::Hello(Hello { position, session, heartbeat_ms })),
        (number(), number(), number(), reason, positions())
            .prop_map(|(from, to, missed, reason, position)| Control::Gap(Gap { from, to, missed, reason, position })),
        (any::<u16>(), any::<String>(), any::<bool>(), any::<u64>()).prop_map(
            |(code, reason, reconnect, retry_after_ms)| Control::Close(Close {
                code,
                reason,
                reconnect,
                retry_after_ms
            })
        ),
        (number(), positions()).prop_map(|(reference, position)| Control::Ack(Ack { reference, position })),
        (number(), any::<u16>(), any::<String>()).prop_map(|(reference, status, detail)| Control::Error(Refusal {
            reference,
            status,
            detail
        })),
    ]
}

proptest! {
    #[test]
    fn publications_come_back_byte_for_byte(
        offset in any::<u64>(),
        event in any::<String>(),
        from in option::of(any::<String>()),
        to in option::of(any::<u64>()),
        at_us in any::<u64>(),
        (data, _) in json(),
    ) {
        let data = raw(&data);
        let text = Publication {
            offset, event: event.as_str().into(), from: from.as_deref().map(Into::into), to: to.map(SessionId), at_us,
            data: &data,
        }.encode();
        let Ok(Item::Publication(read)) = Item::decode(&text) else { panic!("{text}") };
        prop_assert_eq!((read.offset, &*read.event, read.at_us), (offset, event.as_str(), at_us));
        prop_assert_eq!(read.from.as_deref(), from.as_deref());
        prop_assert_eq!(read.data.get(), data.get());
        prop_assert_eq!(read.encode(), text);
    }

    #[test]
    fn control_items_come_back(control in any_control()) {
        let text = control.encode();
        let Ok(Item::Control(read)) = Item::decode(&text) else { panic!("{text}") };
        prop_assert_eq!(read, control);
    }

    #[test]
    fn batches_hold_their_items_as_they_were_put_in(
        position in positions(),
        items in vec(json(), 0..6),
        retry_after_ms in option::of(any::<u64>()),
    ) {
        let mut text = String::new();
        poll::encode(&position, items.iter().map(|(item, _)| item.as_str()), retry_after_ms, &mut text);
        let batch = Batch::decode(&text).unwrap();
        prop_assert_eq!(&batch.position, &position);
        prop_assert_eq!(batch.retry_after_ms, retry_after_ms);
        let read: Vec<_> = batch.items.iter().map(|item| item.get()).collect();
        prop_assert_eq!(read, items.iter().map(|(item, _)| item.as_str()).collect::<Vec<_>>());
    }

    #[test]
    fn uplink_items_come_back(event in any::<String>(), (data, _) in json(), reference in option::of(any::<u64>())) {
        let data = raw(&data);
        let text = Uplink { publish: Draft::new(event.as_str().into(), &data), reference }.encode();
        let read: Uplink<'_> = serde_json::from_str(&text).unwrap();
        prop_assert_eq!((&*read.publish.event, read.publish.data.get()), (event.as_str(), data.get()));
        prop_assert_eq!(read.reference, reference);
        prop_assert_eq!(reference_of(&text), reference);
    }
}
