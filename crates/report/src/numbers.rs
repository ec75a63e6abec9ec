//! How a number is printed: three significant digits, its unit beside it, never more than was measured.

use measure::Ratio;

/// What stands where nothing was measured.
pub(crate) const NOT_MEASURED: &str = "not measured";

/// A count as a float. Exact below 2^53, which no run reaches.
#[expect(clippy::cast_precision_loss, reason = "counts and nanoseconds of a run are far below 2^53")]
pub(crate) fn float(n: u64) -> f64 {
    n as f64
}

/// Nanoseconds back as a count.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, not negative and far below 2^53")]
pub(crate) const fn whole(ns: f64) -> u64 {
    ns as u64
}

/// A family of units, smallest first: how many of the base unit one holds, and its name.
type Units = &'static [(f64, &'static str)];

const TIME: Units = &[(1.0, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s")];
const BYTES: Units = &[(1.0, "B")];
const MEMORY: Units = &[(1.0, "B"), (1024.0, "KiB"), (1_048_576.0, "MiB")];
const VOLUME: Units = &[(1.0, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB")];
const BYTES_A_SECOND: Units = &[(1.0, "B/s")];
const BYTES_A_MINUTE: Units = &[(1.0, "B/min")];
const REQUESTS: Units = &[(1.0, "requests")];

/// Nanoseconds in the unit that reads best: `4.21 ms`.
pub(crate) fn time(ns: f64) -> String {
    quantity(ns, TIME)
}

/// A round value on an axis: `10 ms`, not `10.0 ms`; zero has no unit.
pub(crate) fn time_tick(ns: f64) -> String {
    let (size, unit) = unit_of(ns, TIME);
    tick(ns / size, unit)
}

/// A round value on an axis in a unit that all values there have: `200 B`; zero has none.
pub(crate) fn tick(value: f64, unit: &str) -> String {
    if value <= 0.0 {
        return "0".to_owned();
    }
    let digits = three_digits(value);
    let short = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { &digits };
    format!("{short} {unit}").trim_end().to_owned()
}

/// Nanoseconds with their interval: `4.21 ms (4.05–4.38)`.
pub(crate) fn time_interval(ns: f64, interval: Option<(f64, f64)>) -> String {
    with_interval(ns, interval, TIME)
}

/// Stream bytes, always in bytes, so that rows compare by eye: `1,060 B`.
pub(crate) fn bytes(bytes: f64) -> String {
    quantity(bytes, BYTES)
}

/// Bytes with their interval.
pub(crate) fn bytes_interval(bytes: f64, interval: Option<(f64, f64)>) -> String {
    with_interval(bytes, interval, BYTES)
}

/// Memory with its interval: `5.06 KiB (4.21–5.93)`.
pub(crate) fn memory_interval(bytes: f64, interval: Option<(f64, f64)>) -> String {
    with_interval(bytes, interval, MEMORY)
}

/// What went over a line in a time, as contracts count it: `19.1 MB`.
pub(crate) fn volume(bytes: f64) -> String {
    quantity(bytes, VOLUME)
}

/// Bytes a second with their interval: `1,060 B/s (1,050–1,070)`.
pub(crate) fn rate_interval(bytes: f64, interval: Option<(f64, f64)>) -> String {
    with_interval(bytes, interval, BYTES_A_SECOND)
}

/// Bytes a minute, likewise.
pub(crate) fn slow_rate_interval(bytes: f64, interval: Option<(f64, f64)>) -> String {
    with_interval(bytes, interval, BYTES_A_MINUTE)
}

/// Requests with their interval: `1.02 requests (1.01–1.03)`.
pub(crate) fn requests_interval(requests: f64, interval: Option<(f64, f64)>) -> String {
    with_interval(requests, interval, REQUESTS)
}

/// A factor: `4.61x`.
pub(crate) fn factor(factor: f64) -> String {
    format!("{}x", three_digits(factor))
}

/// A factor with its interval: `1.64x (1.55–1.71)`; without it where all three print the same.
pub(crate) fn factor_interval(ratio: &Ratio) -> String {
    let decimals = decimals(ratio.point);
    let [point, low, high] = [ratio.point, ratio.low, ratio.high].map(|v| fixed(round_to_three(v), decimals));
    if low == point && high == point { format!("{point}x") } else { format!("{point}x ({low}–{high})") }
}

/// A factor near 1 as the percentage that it deviates: `15.2 %`.
pub(crate) fn excess_percent(factor: f64) -> String {
    format!("{} %", three_digits((factor - 1.0) * 100.0))
}

/// A share from 0 to 1 as a percentage: `0.45 %`. Below a hundredth of a percent it is none; only all is `100 %`.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 100.0 && round_to_three(percent) >= 100.0 {
        return "> 99.9 %".to_owned();
    }
    if percent.abs() < 0.01 { "0 %".to_owned() } else { format!("{} %", three_digits(percent)) }
}

/// A whole number with thousands separated: `12,345`.
pub(crate) fn count(n: u64) -> String {
    group(&n.to_string())
}

/// Three significant digits, thousands separated, no exponent: `0.0123`, `4.21`, `1,060`.
pub(crate) fn three_digits(value: f64) -> String {
    fixed(round_to_three(value), decimals(value))
}

/// The number that a text of this module begins with, in the base unit of its family: `4.21 ms (4.05–4.38)` is 4,210,000. None
/// for words.
pub(crate) fn read_back(text: &str) -> Option<f64> {
    let text = text.trim_start_matches("> ");
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '-' | ',' | '.'))).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let number: f64 = digits.replace(',', "").parse().ok()?;
    let unit = rest.split_whitespace().next().unwrap_or_default();
    let size = [TIME, BYTES, MEMORY, VOLUME]
        .into_iter()
        .flatten()
        .find(|(_, name)| *name == unit)
        .map_or(1.0, |(size, _)| *size);
    // Only what was printed: 1.13 times a million is not 1,129,999.9999999998.
    format!("{:.6e}", number * size).parse().ok()
}

fn quantity(value: f64, units: Units) -> String {
    let (size, unit) = unit_of(value, units);
    format!("{} {unit}", three_digits(value / size))
}

fn with_interval(value: f64, interval: Option<(f64, f64)>, units: Units) -> String {
    let Some((low, high)) = interval else {
        return quantity(value, units);
    };
    let (size, unit) = unit_of(value, units);
    let decimals = decimals(value / size);
    let [point, low, high] = [value, low, high].map(|v| fixed(round_to_three(v / size), decimals));
    if low == point && high == point { format!("{point} {unit}") } else { format!("{point} {unit} ({low}–{high})") }
}

fn unit_of(value: f64, units: Units) -> (f64, &'static str) {
    let fits = |&&(size, _): &&(f64, &str)| round_to_three(value.abs() / size) >= 1.0;
    units.iter().rev().find(fits).copied().unwrap_or(units[0])
}

/// Nothing that is measured here is smaller than this many decimals show.
const MOST_DECIMALS: usize = 12;

fn decimals(value: f64) -> usize {
    match round_to_three(value).abs() {
        0.0 => 0,
        v if v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        v if v >= 0.9995 => 2,
        v if v >= 0.09995 => 3,
        // As many as the first of three digits has zeros before it; a float below all of them has none left.
        v => (3..MOST_DECIMALS)
            .find(|&decimals| v * 10_f64.powi(i32::try_from(decimals).unwrap_or(0)) >= 99.95)
            .unwrap_or(MOST_DECIMALS),
    }
}

/// Rounds through the decimal form, where a float's own digits cannot disagree with what is printed.
fn round_to_three(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}

fn fixed(value: f64, decimals: usize) -> String {
    group(&format!("{value:.decimals$}"))
}

fn group(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let mut out = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}
