//! The latency recorder: one `HdrHistogram` and the samples that have no place in it.
//!
//! Nothing is clamped and nothing is dropped. From the bottom, the samples are: the negative ones (evidence of a broken
//! clock or pairing, counted apart), the recorded ones, the saturated ones (above 120 s), and the undelivered ones, which
//! are infinite. Quantiles are over all of them; percentiles are never averaged, recorders are merged.

use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{DeserializeError, Deserializer, Serializer, V2Serializer};

/// The largest value a histogram bucket holds: 120 s, beyond any deadline of a scenario.
const HIGHEST_NS: u64 = 120_000_000_000;
/// Three significant digits: a bucket is narrower than 1/1,024 of its values, and exact up to 2,047 ns.
const DIGITS: u8 = 3;
/// More samples than any run takes, and the largest number whose ranks a float computes exactly.
const MOST_SAMPLES: u64 = 1 << 53;
/// The V2 header: cookie, payload length, then the bounds.
const HEADER_BYTES: usize = 40;

/// The V2 header of every histogram used here; the payload's length in it is an empty one's.
static HEADER: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut bytes = encode(&empty());
    bytes.truncate(HEADER_BYTES);
    bytes
});

/// Latencies in nanoseconds, recorded without allocating: about 220 KiB, whatever is recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorder {
    histogram: Histogram<u64>,
    negative: u64,
    most_negative_ns: i64,
    saturated: u64,
    undelivered: u64,
}

/// Why a text is not a recorder's.
#[derive(Debug, thiserror::Error)]
pub enum RecorderTextError {
    /// Not five fields separated by single spaces.
    #[error("a recorder's text has five fields: negative, most negative, saturated, undelivered, histogram")]
    Fields,
    /// One of the first four fields is not an integer.
    #[error("a recorder's count is not a number")]
    Number(#[from] std::num::ParseIntError),
    /// The fifth field is not base64.
    #[error("a recorder's histogram is not base64")]
    Base64(#[from] base64::DecodeError),
    /// Not an uncompressed V2 histogram of the bounds used here, or cut short.
    #[error("a recorder's histogram has another format, other bounds or another length")]
    Header,
    /// The counts inside the histogram cannot be read.
    #[error("a recorder's histogram cannot be read")]
    Histogram(#[from] DeserializeError),
    /// A count is beyond any run, or the most negative sample does not fit the number of negative ones.
    #[error("a recorder's counts contradict each other")]
    Counts,
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

impl Recorder {
    /// An empty recorder; all its memory is allocated here.
    #[must_use]
    pub fn new() -> Self {
        Self { histogram: empty(), negative: 0, most_negative_ns: 0, saturated: 0, undelivered: 0 }
    }

    /// Records one sample. Negative samples and samples above 120 s are counted apart, see [`Recorder::negative_count`]
    /// and [`Recorder::saturated_count`].
    pub fn record_ns(&mut self, sample_ns: i64) {
        match u64::try_from(sample_ns) {
            Err(_) => {
                self.negative += 1;
                self.most_negative_ns = self.most_negative_ns.min(sample_ns);
            }
            Ok(ns) if ns > HIGHEST_NS => self.saturated += 1,
            Ok(ns) => self.histogram.saturating_record(ns),
        }
    }

    /// Records `count` samples that never came: infinite, above everything.
    pub fn record_undelivered(&mut self, count: u64) {
        self.undelivered += count;
    }

    /// Adds everything another recorder holds, as if its samples had been recorded here.
    pub fn merge(&mut self, other: &Self) {
        for (upper_ns, count) in other.buckets() {
            self.histogram.saturating_record_n(upper_ns, count);
        }
        self.negative += other.negative;
        self.most_negative_ns = self.most_negative_ns.min(other.most_negative_ns);
        self.saturated += other.saturated;
        self.undelivered += other.undelivered;
    }

    /// All samples: negative, recorded, saturated and undelivered ones.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.negative + self.histogram.len() + self.saturated + self.undelivered
    }

    /// Whether there is no sample of any kind.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Samples below zero.
    #[must_use]
    pub const fn negative_count(&self) -> u64 {
        self.negative
    }

    /// The lowest sample below zero, if there is one.
    #[must_use]
    pub fn most_negative_ns(&self) -> Option<i64> {
        (self.negative > 0).then_some(self.most_negative_ns)
    }

    /// Samples above 120 s.
    #[must_use]
    pub const fn saturated_count(&self) -> u64 {
        self.saturated
    }

    /// Samples that never came.
    #[must_use]
    pub const fn undelivered_count(&self) -> u64 {
        self.undelivered
    }

    /// The sample at quantile `q` (0 to 1) over all samples, undelivered and negative ones included.
    ///
    /// With `n` samples it is the one of rank `ceil(q n)` from the bottom, at least 1, given as the upper end of its
    /// histogram bucket (`HdrHistogram`'s value at quantile, "highest equivalent"): never below the sample, above it by less
    /// than 1/1,024, and never interpolated. `None` where no number would be true: no samples, `q` outside 0 to 1, or a
    /// rank among the negative, the saturated (above 120 s) or the undelivered (infinite) samples.
    #[must_use]
    pub fn quantile_ns(&self, q: f64) -> Option<u64> {
        if self.is_empty() || !(0.0..=1.0).contains(&q) {
            return None;
        }
        let rank = rank(q, self.len()).checked_sub(self.negative).filter(|&rank| rank > 0)?;
        let mut reached = 0;
        self.buckets().find_map(|(upper_ns, count)| {
            reached += count;
            (reached >= rank).then_some(upper_ns)
        })
    }

    /// The largest sample, as [`Recorder::quantile_ns`] gives it: `None` as soon as one sample is saturated or undelivered.
    #[must_use]
    pub fn max_ns(&self) -> Option<u64> {
        self.quantile_ns(1.0)
    }

    /// The buckets that hold recorded samples, ascending: upper end in nanoseconds (inclusive) and count. Negative,
    /// saturated and undelivered samples are in none.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.histogram.iter_recorded().map(|bucket| (bucket.value_iterated_to(), bucket.count_at_value()))
    }

    /// One line of text without line break: the numbers of negative samples, the most negative one (0 if none), the numbers
    /// of saturated and of undelivered samples, and the histogram in `HdrHistogram`'s V2 encoding as base64, separated by
    /// spaces. [`Recorder::from_text`] gives an equal recorder.
    #[must_use]
    pub fn to_text(&self) -> String {
        let Self { histogram, negative, most_negative_ns, saturated, undelivered } = self;
        let histogram = BASE64_STANDARD.encode(encode(histogram));
        format!("{negative} {most_negative_ns} {saturated} {undelivered} {histogram}")
    }

    /// Reads what [`Recorder::to_text`] wrote.
    ///
    /// # Errors
    /// When the text is anything else, histograms of other bounds included: their buckets could not be merged truly.
    pub fn from_text(text: &str) -> Result<Self, RecorderTextError> {
        let fields: Vec<&str> = text.split(' ').collect();
        let [negative, most_negative_ns, saturated, undelivered, histogram] = fields[..] else {
            return Err(RecorderTextError::Fields);
        };
        let recorder = Self {
            histogram: decode(&BASE64_STANDARD.decode(histogram)?)?,
            negative: negative.parse()?,
            most_negative_ns: most_negative_ns.parse()?,
            saturated: saturated.parse()?,
            undelivered: undelivered.parse()?,
        };
        let consistent = match recorder.negative {
            0 => recorder.most_negative_ns == 0,
            _ => recorder.most_negative_ns < 0,
        };
        let counts = [recorder.negative, recorder.histogram.len(), recorder.saturated, recorder.undelivered];
        if !consistent || counts.iter().any(|&count| count > MOST_SAMPLES) {
            return Err(RecorderTextError::Counts);
        }
        Ok(recorder)
    }
}

fn empty() -> Histogram<u64> {
    Histogram::new_with_bounds(1, HIGHEST_NS, DIGITS).expect("the bounds are constants that a histogram accepts")
}

fn encode(histogram: &Histogram<u64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    V2Serializer::new().serialize(histogram, &mut bytes).expect("counts fit i64 and a Vec takes every write");
    bytes
}

fn decode(bytes: &[u8]) -> Result<Histogram<u64>, RecorderTextError> {
    // Before the deserializer sees it: it allocates what a header asks for, up to 4 GiB.
    let (header, payload) = bytes.split_at_checked(HEADER_BYTES).ok_or(RecorderTextError::Header)?;
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    if header[..4] != HEADER[..4] || header[4..8] != length || header[8..] != HEADER[8..] {
        return Err(RecorderTextError::Header);
    }
    Ok(Deserializer::new().deserialize(&mut &*bytes)?)
}

/// The rank `ceil(q n)`, from 1 to `n`.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "n is at most 2^53 and q between 0 and 1"
)]
fn rank(q: f64, n: u64) -> u64 {
    // 0.07 times 100 is 7.000000000000001 to a float: without the shave its rank would be 8.
    let exact = q * n as f64 * (1.0 - 2.0 * f64::EPSILON);
    (exact.ceil() as u64).clamp(1, n)
}
