//! What a subscriber was told against what was published. Pure; every complaint is a sentence about what was seen.

use std::{collections::BTreeMap, fmt::Write as _};

use transport::Delivery;
use wire::{Gap, GapReason, Position};

use crate::subscriber::Told;

/// The `data` of every publication, by offset.
pub(crate) type Sent = BTreeMap<u64, String>;

/// How much of a text is shown in a complaint.
const SHOWN_CHARACTERS: usize = 80;

/// The deliveries among what was told.
pub(crate) fn deliveries(told: &[Told]) -> impl Iterator<Item = &Delivery> {
    told.iter().filter_map(|told| match told {
        Told::Delivery(delivery) => Some(delivery),
        Told::Gap(_) => None,
    })
}

/// The gaps among what was told.
pub(crate) fn gaps(told: &[Told]) -> impl Iterator<Item = &Gap> {
    told.iter().filter_map(|told| match told {
        Told::Gap(gap) => Some(gap),
        Told::Delivery(_) => None,
    })
}

/// No publication comes after one of a higher offset.
pub(crate) fn in_order(told: &[Told]) -> Result<(), String> {
    let offsets: Vec<u64> = deliveries(told).map(|delivery| delivery.offset).collect();
    match offsets.windows(2).find(|pair| pair[1] < pair[0]) {
        Some(pair) => Err(format!("offset {} came after {}", pair[1], pair[0])),
        None => Ok(()),
    }
}

/// Every publication of `sent` comes exactly once, and nothing else does.
pub(crate) fn each_once(told: &[Told], sent: &Sent) -> Result<(), String> {
    let mut times: BTreeMap<u64, u32> = sent.keys().map(|offset| (*offset, 0)).collect();
    for delivery in deliveries(told) {
        *times.entry(delivery.offset).or_default() += 1;
    }
    let that = |wanted: fn(u32) -> bool| -> Vec<u64> {
        times.iter().filter(|(offset, times)| sent.contains_key(offset) && wanted(**times)).map(|(at, _)| *at).collect()
    };
    let strange: Vec<u64> = times.keys().filter(|offset| !sent.contains_key(offset)).copied().collect();
    let kinds = [
        (that(|times| times == 0), "never came"),
        (that(|times| times > 1), "came more than once"),
        (strange, "came but was not to"),
    ];
    let found: Vec<String> =
        kinds.iter().filter(|(offsets, _)| !offsets.is_empty()).map(|(offsets, what)| some_of(offsets, what)).collect();
    if found.is_empty() { Ok(()) } else { Err(found.join("; ")) }
}

/// The `data` of every delivery has the source text that was published.
pub(crate) fn same_data(told: &[Told], sent: &Sent) -> Result<(), String> {
    for delivery in deliveries(told) {
        if let Some(data) = sent.get(&delivery.offset).filter(|data| *data != delivery.data()) {
            let (came, sent) = (short(delivery.data()), short(data));
            return Err(format!("the data of offset {} came as {came}, but was {sent}", delivery.offset));
        }
    }
    Ok(())
}

/// After `start` all of `sent` that follows is told: in order, once, with the same data, and without a gap.
pub(crate) fn exactly(told: &[Told], start: u64, sent: &Sent) -> Result<(), String> {
    if let Some(gap) = gaps(told).next() {
        return Err(format!("a gap that nothing explains: {}", shown(gap)));
    }
    let due = sent.range(start + 1..).map(|(offset, data)| (*offset, data.clone())).collect();
    each_once(told, &due)?;
    in_order(told)?;
    same_data(told, &due)
}

/// From `start` to `last` every offset is delivered or inside a gap of this `reason`, whose numbers are exact.
pub(crate) fn accounted(told: &[Told], start: &Position, last: u64, reason: GapReason) -> Result<(), String> {
    let mut next = start.offset + 1;
    for told in told {
        match told {
            Told::Delivery(delivery) if delivery.offset == next => next += 1,
            Told::Delivery(delivery) => {
                return Err(format!("offset {} came where {next} was due, and no gap says why", delivery.offset));
            }
            Told::Gap(gap) => {
                let to = gap.position.offset;
                let position = Position { epoch: start.epoch.clone(), offset: to };
                let missed = (to + 1).checked_sub(next).filter(|missed| *missed > 0);
                let exact = Gap { from: Some(next), to: Some(to), missed, reason, position };
                if *gap != exact {
                    return Err(format!("a gap that is not exact: {}, but was to be {}", shown(gap), shown(&exact)));
                }
                next = to + 1;
            }
        }
    }
    if next == last + 1 { Ok(()) } else { Err(format!("offset {next} is due, and {last} was the last")) }
}

/// What readers of one room got, by reader: those that differ from the right reading, each with a sentence.
///
/// Right is `neutral`, what a batch over plain HTTP holds, when it is whole. Otherwise it is what most whole readings say;
/// when as many say something else, nobody can be told right from wrong, and everybody is named.
pub(crate) fn disagreement(
    readings: &[Vec<Box<str>>],
    neutral: &[Box<str>],
    whole: impl Fn(&[Box<str>]) -> bool,
) -> Vec<(usize, String)> {
    let everybody = |why: &str| (0..readings.len()).map(|reader| (reader, why.to_owned())).collect();
    let right = if whole(neutral) {
        neutral
    } else {
        let mut times: BTreeMap<&[Box<str>], usize> = BTreeMap::new();
        for reading in readings.iter().filter(|reading| whole(reading)) {
            *times.entry(reading.as_slice()).or_default() += 1;
        }
        let Some(most) = times.values().max() else { return everybody("nobody got all of it in order") };
        let mut common = times.iter().filter(|(_, times)| *times == most).map(|(reading, _)| *reading);
        match (common.next(), common.next()) {
            (Some(common), None) => common,
            _ => return everybody("readings differ, and as many say one thing as another"),
        }
    };
    let odd = readings.iter().enumerate().filter(|(_, reading)| reading.as_slice() != right);
    odd.map(|(reader, reading)| {
        let at = reading.iter().zip(right).position(|(one, other)| one != other);
        let at = at.unwrap_or(reading.len().min(right.len()));
        let show = |list: &[Box<str>]| list.get(at).map_or("nothing".to_owned(), |text| short(text));
        (reader, format!("place {} holds {}, where others have {}", at + 1, show(reading), show(right)))
    })
    .collect()
}

fn shown(gap: &Gap) -> String {
    serde_json::to_string(gap).unwrap_or_else(|error| error.to_string())
}

fn some_of(offsets: &[u64], what: &str) -> String {
    let mut text = format!("offset {} {what}", offsets[0]);
    if offsets.len() > 1 {
        // Writing into a `String` cannot fail.
        let _infallible = write!(text, ", and {} more", offsets.len() - 1);
    }
    text
}

/// The beginning of a text, with control characters escaped.
fn short(text: &str) -> String {
    let start: String = text.chars().take(SHOWN_CHARACTERS).collect();
    let more = if start.len() < text.len() { format!(" .. ({} bytes)", text.len()) } else { String::new() };
    format!("{}{more}", start.escape_debug())
}
