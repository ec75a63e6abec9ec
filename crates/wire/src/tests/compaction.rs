//! The `data` of a publication: white space outside strings goes, everything else stays, and what is refused.

use proptest::{collection::vec, prelude::*};
use serde_json::Value;

use crate::publication::{DataError, MAX_DATA_BYTES, MAX_DATA_DEPTH, compact};

/// A JSON value twice: without white space between its tokens, and with some.
pub(super) type Source = (String, String);

fn white_space() -> impl Strategy<Value = String> {
    "[ \t\r\n]{0,3}"
}

/// The source text of a string: what a serializer writes, or what only people write.
fn string() -> impl Strategy<Value = String> {
    let pieces = [" ", "[", "}", ",", ":", "é", "\u{2028}", "😀", "\\\"", "\\\\", "\\/", "\\u0000", "\\ud83d\\ude00"];
    prop_oneof![
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        vec(prop::sample::select(pieces.to_vec()), 0..8).prop_map(|pieces| format!("\"{}\"", pieces.concat())),
    ]
}

fn joined(open: char, items: &[Source], close: char) -> Source {
    let all = |of: fn(&Source) -> &str| items.iter().map(of).collect::<Vec<_>>().join(",");
    (format!("{open}{}{close}", all(|item| &item.0)), format!("{open}{}{close}", all(|item| &item.1)))
}

/// Any JSON value, numbers that no `f64` holds among them.
pub(super) fn json() -> impl Strategy<Value = Source> {
    let literal = prop::sample::select(vec!["null", "true", "false", "-0", "1e400", "12345678901234567890"]);
    let number = "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?";
    let scalar = prop_oneof![literal.prop_map(str::to_owned), number, string()];
    let leaf = (white_space(), scalar, white_space()).prop_map(|(a, scalar, b)| (scalar.clone(), a + &scalar + &b));
    leaf.prop_recursive(4, 32, 5, |inner| {
        let key = (white_space(), string(), white_space());
        let member = (key, inner.clone())
            .prop_map(|((a, key, b), value)| (format!("{key}:{}", value.0), format!("{a}{key}{b}:{}", value.1)));
        let list = vec(inner, 0..5).prop_map(|items| joined('[', &items, ']'));
        let object = vec(member, 0..5).prop_map(|members| joined('{', &members, '}'));
        (white_space(), prop_oneof![list, object], white_space())
            .prop_map(|(a, (bare, spaced), b)| (bare, a + &spaced + &b))
    })
}

fn compacted(text: &str) -> String {
    compact(text, MAX_DATA_BYTES).unwrap_or_else(|error| panic!("{text}: {error}")).get().to_owned()
}

fn nested(levels: usize) -> String {
    format!("{}0{}", r#"[{"a":"#.repeat(levels / 2), "}]".repeat(levels / 2))
}

#[test]
fn white_space_outside_strings_is_removed() {
    assert_eq!(compacted(" {\t\"a\" :\r\n[ 1 , 2 ] } \n"), r#"{"a":[1,2]}"#);
    assert_eq!(compacted("  1  "), "1");
    assert_eq!(compacted(" [ ] "), "[]");
}

#[test]
fn strings_keep_their_white_space_and_their_brackets() {
    for text in [r#"" a  b ""#, r#""[ { ] , :""#, r#"{" k ":" v "}"#, r#""\\ \" ""#, r#"["\\"," "]"#, r#""\"""#] {
        assert_eq!(compacted(text), text);
    }
    assert_eq!(compacted(r#" [ "\\" , " \" ] " ] "#), r#"["\\"," \" ] "]"#);
}

#[test]
fn numbers_escapes_and_keys_stay_as_they_were_written() {
    let untouched = [
        "12345678901234567890",
        "-0",
        "-0.0",
        "1e400",
        "1E+2",
        "1.10",
        "0.1000000000000000055511151231257827",
        r#""\u00e9\/\u0041""#,
        r#""\ud83d\ude00""#,
        r#""\ud800""#,
        r#""\u0000""#,
        "\"\u{2028}\u{7f}é😀\"",
        r#"{"a":1,"a":2}"#,
        r#"{"b":1,"a":2}"#,
        r#"{"":""}"#,
    ];
    for text in untouched {
        assert_eq!(compacted(text), text);
    }
}

#[test]
fn a_value_of_any_kind_is_taken() {
    for text in ["null", "true", "false", "0", "\"\"", "[]", "{}"] {
        assert_eq!(compacted(text), text);
    }
}

#[test]
fn what_is_not_one_json_value_is_refused() {
    let refused = [
        "",
        " ",
        "nul",
        "True",
        "01",
        "+1",
        ".5",
        "1.",
        "1e",
        "-",
        "--1",
        "NaN",
        "Infinity",
        "0x1",
        "'a'",
        "\"a",
        "\"\\\"",
        r#""\x""#,
        r#""\u12""#,
        "[1,]",
        "[,1]",
        "[1 2]",
        "{a:1}",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        "{1:2}",
        "{,}",
        "]",
        "[",
        "{",
        "[}",
        "[1",
        ":",
        ",",
        "\u{feff}1",
        "\u{b}1",
        "\u{a0}1",
        "/* */1",
        "1//",
        // One value, and then something.
        "1 2",
        "{} {}",
        "[]x",
        "null,",
        "\"a\"\"b\"",
        "1]",
        // Control characters in strings need an escape.
        "\"\n\"",
        "\"\t\"",
        "\"\0\"",
        "\"\u{1f}\"",
    ];
    for text in refused {
        assert!(matches!(compact(text, MAX_DATA_BYTES), Err(DataError::Syntax(_))), "{text:?} was taken");
    }
}

#[test]
fn nesting_is_taken_down_to_64_levels() {
    assert_eq!(compacted(&nested(MAX_DATA_DEPTH)), nested(MAX_DATA_DEPTH));
    let lists = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(compacted(&lists(64)), lists(64));
    for deeper in [nested(66), lists(65), format!("[{}]", nested(64))] {
        assert!(matches!(compact(&deeper, MAX_DATA_BYTES), Err(DataError::TooDeep)), "{deeper}");
    }
    let beside = format!("[{}]", vec![nested(62); 3].join(","));
    assert_eq!(compacted(&beside), beside, "levels beside each other do not add up");
    let in_a_string = format!("\"{}\"", "[".repeat(1000));
    assert_eq!(compacted(&in_a_string), in_a_string);
}

#[test]
fn nesting_cannot_exhaust_the_stack() {
    let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    assert!(matches!(compact(&deep, usize::MAX), Err(DataError::TooDeep)));
    assert!(matches!(compact(&deep[..1_000_000], usize::MAX), Err(DataError::Syntax(_))));
}

#[test]
fn the_size_that_counts_is_in_bytes_and_without_white_space() {
    let exact = format!("\"{}\"", "é".repeat(MAX_DATA_BYTES / 2 - 1));
    assert_eq!(exact.len(), MAX_DATA_BYTES);
    assert_eq!(compacted(&format!("   {exact}\n")), exact);

    let over = exact.replacen('é', "éx", 1);
    let error = compact(&over, MAX_DATA_BYTES).unwrap_err();
    assert!(matches!(error, DataError::TooLarge { size_bytes: 65_537, limit_bytes: 65_536 }), "{error:?}");
    assert_eq!(error.to_string(), "`data` has 65537 bytes; at most 65536 are carried");

    assert!(compact("[1, 2]", 5).is_ok());
    assert!(matches!(compact("[1, 2]", 4), Err(DataError::TooLarge { size_bytes: 5, limit_bytes: 4 })));
}

proptest! {
    #[test]
    fn compaction_removes_white_space_and_nothing_else((bare, spaced) in json()) {
        prop_assert_eq!(compacted(&spaced), bare.as_str());
        prop_assert_eq!(compacted(&bare), bare, "a second time changes nothing");
    }

    #[test]
    fn compaction_keeps_the_value((_, spaced) in json()) {
        // What a `Value` cannot hold (1e400) has nothing to be compared with.
        if let Ok(value) = serde_json::from_str::<Value>(&spaced) {
            prop_assert_eq!(serde_json::from_str::<Value>(&compacted(&spaced)).unwrap(), value);
        }
    }

    #[test]
    fn any_text_is_compacted_or_refused_without_a_panic(text in r#"[\[\]{}",:\\u0-9a-f \n-]{0,40}"#) {
        let valid = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        prop_assert_eq!(compact(&text, MAX_DATA_BYTES).is_ok(), valid);
    }
}
