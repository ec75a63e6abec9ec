//! How numbers are printed.

use measure::Ratio;

use crate::numbers::{
    bytes, count, excess_percent, factor, factor_interval, memory_interval, percent, read_back, three_digits, time,
    time_interval, time_tick,
};

#[test]
fn three_significant_digits_with_thousands() {
    let cases = [
        (0.0, "0"),
        (0.012_34, "0.0123"),
        (0.5, "0.500"),
        (1.0, "1.00"),
        (4.214, "4.21"),
        (9.996, "10.0"),
        (99.95, "100"),
        (1_055.0, "1,060"),
        (1_234_567.0, "1,230,000"),
        (-4.214, "-4.21"),
    ];
    for (value, text) in cases {
        assert_eq!(three_digits(value), text, "{value}");
    }
}

#[test]
fn a_time_takes_the_unit_that_it_rounds_into() {
    let cases = [
        (0.0, "0 ns"),
        (812.0, "812 ns"),
        (999.4, "999 ns"),
        (999.6, "1.00 µs"),
        (4_214_000.0, "4.21 ms"),
        (2.5e9, "2.50 s"),
    ];
    for (ns, text) in cases {
        assert_eq!(time(ns), text);
    }
}

#[test]
fn an_interval_shares_unit_and_decimals_with_its_point() {
    assert_eq!(time_interval(4_214_000.0, Some((4_050_000.0, 4_380_000.0))), "4.21 ms (4.05–4.38)");
    assert_eq!(time_interval(4_214_000.0, Some((950_000.0, 12_000_000.0))), "4.21 ms (0.95–12.00)");
    assert_eq!(time_interval(4_214_000.0, None), "4.21 ms");
    assert_eq!(factor_interval(&Ratio { point: 4.61, low: 4.5, high: 4.7 }), "4.61x (4.50–4.70)");
    assert_eq!(factor_interval(&Ratio { point: 4.61, low: 4.609, high: 4.611 }), "4.61x");
}

#[test]
fn ticks_are_short_and_zero_needs_no_unit() {
    assert_eq!([0.0, 1e7, 2.5e6].map(time_tick), ["0", "10 ms", "2.5 ms"]);
}

#[test]
fn bytes_shares_factors_and_counts() {
    assert_eq!(bytes(237.0), "237 B");
    assert_eq!(memory_interval(1_638.4, None), "1.60 KiB");
    assert_eq!(factor(110.4), "110x");
    assert_eq!(factor(0.000_203_4), "0.000203x");
    assert_eq!(factor(0.000_04), "0.0000400x");
    assert_eq!(percent(0.004_5), "0.450 %");
    assert_eq!(percent(0.000_001), "0 %");
    assert_eq!(percent(1.0), "100 %");
    assert_eq!(percent(0.999_7), "> 99.9 %");
    assert_eq!(excess_percent(1.152), "15.2 %");
    assert_eq!(count(1_234_567), "1,234,567");
}

#[test]
fn a_printed_number_is_read_back_in_the_base_unit() {
    for (text, number) in [
        ("4.21 ms (4.05–4.38)", 4_210_000.0),
        ("950 kB", 950_000.0),
        ("1.07 MB", 1_070_000.0),
        ("1.13 s", 1_130_000_000.0),
        ("0.0123", 0.0123),
        ("12,345", 12_345.0),
        ("1,060 B", 1_060.0),
        ("5.06 KiB (4.21–5.93)", 5_181.44),
        ("21.0 µs (4.20x)", 21_000.0),
        ("1.04 ms (0.19–2.54) withdrawn", 1_040_000.0),
        ("> 99.9 %", 99.9),
        ("-0.250 ms", -250_000.0),
    ] {
        assert_eq!(read_back(text), Some(number), "{text}");
    }
    for words in ["not measured", "", "response", "-", "p99"] {
        assert_eq!(read_back(words), None, "{words}");
    }
}
