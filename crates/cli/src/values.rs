//! Values that flags take, with what to say when they do not fit.

use std::{ops::RangeInclusive, str::FromStr, time::Duration};

use wire::duration;

/// Round trips that can be put there: the proxy's own delay is far below the shortest, and a handshake of many round trips is
/// over in time with the longest.
const RTT: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(1);

/// Reads one value. A list is told from a typing mistake, because one flag takes lists.
pub(crate) fn one<T: FromStr<Err: ToString>>(text: &str) -> Result<T, String> {
    if text.contains(',') {
        return Err("one value belongs here, not a list; only --interval and --lanes take lists".to_owned());
    }
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// Reads a number of blocks.
pub(crate) fn blocks(text: &str) -> Result<u32, String> {
    one(text).and_then(|n| if (1..=100).contains(&n) { Ok(n) } else { Err(format!("{n} is not in 1..=100")) })
}

/// Reads a round trip.
pub(crate) fn rtt(text: &str) -> Result<Duration, String> {
    let rtt = duration::parse(&one::<String>(text)?).map_err(|error| error.to_string())?;
    let [least, most] = [RTT.start(), RTT.end()].map(|bound| duration::format(*bound));
    if RTT.contains(&rtt) { Ok(rtt) } else { Err(format!("a round trip is from {least} to {most}")) }
}
