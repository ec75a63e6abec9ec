//! Scenarios: a question and the feed that answers it, from TOML.

use std::{path::Path, time::Duration};

use measure::Schedule;
use serde::{Deserialize, Deserializer, de::Error as _};
use wire::duration;

/// The scenarios that are built in, by name; the first is the default.
pub const BUILT_IN: [(&str, &str); 1] = [("feed", include_str!("../../../scenarios/feed.toml"))];

/// The smallest `data`: `{"n":N,"pad":""}` with any number.
pub(crate) const MIN_SIZE_BYTES: u32 = 36;

/// Why a scenario cannot be run. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// Neither built in nor a file.
    #[error("there is no scenario {name:?}; there are: {known}; or name a TOML file")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What is built in.
        known: String,
    },
    /// The file cannot be read.
    #[error("cannot read the scenario {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is not a scenario.
    #[error("scenario {name:?}: {message}")]
    Parse {
        /// Which scenario.
        name: String,
        /// What was wrong, with its line where it has one.
        message: String,
    },
    /// `--set` of something that is not `key=value`.
    #[error("{0:?} is not key=value, such as rooms=10")]
    Override(String),
    /// A value out of bounds.
    #[error("scenario {name:?}: {what}")]
    Bounds {
        /// Which scenario.
        name: String,
        /// What does not fit and what would.
        what: String,
    },
}

/// When publications of a room are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arrivals {
    /// Independent gaps: no period that could resonate with an interval.
    Poisson,
    /// Equal gaps.
    Constant,
}

/// A question and the feed that answers it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name; the file's without the ending.
    #[serde(skip)]
    pub name: String,
    /// What it answers, in one sentence.
    pub question: String,
    /// Rooms that share the load.
    pub rooms: u32,
    /// Subscribers in all, dealt out to the rooms in turn.
    pub subscribers: u32,
    /// Publications per second in each room.
    pub rate_hz: f64,
    /// When they are due.
    pub arrivals: Arrivals,
    /// Bytes of `data` in each publication.
    pub size_bytes: u32,
    /// The arrival window of lanes without an interval; a lane with an interval takes one interval.
    #[serde(deserialize_with = "from_text")]
    pub window: Duration,
    /// What is published before the window; a lane with an interval takes one interval.
    #[serde(deserialize_with = "from_text")]
    pub warm_up: Duration,
}

fn from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    // Of any type, so that a bare number is told to take a unit.
    let value = toml::Value::deserialize(deserializer)?;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    duration::parse(&text).map_err(D::Error::custom)
}

impl Scenario {
    /// Reads a scenario that is built in or a file's, with `key=value` pairs laid over it.
    ///
    /// # Errors
    ///
    /// [`ScenarioError`] for what is not there, not TOML, has unknown keys, or does not fit together.
    pub fn load(name: &str, overrides: &[String]) -> Result<Self, ScenarioError> {
        let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
        let (name, text) = match built_in {
            Some((name, text)) => ((*name).to_owned(), (*text).to_owned()),
            None => read(name)?,
        };
        let parse_error = |message: String| ScenarioError::Parse { name: name.clone(), message };
        let mut table: toml::Table = text.parse().map_err(|error: toml::de::Error| parse_error(error.to_string()))?;
        for pair in overrides {
            let (key, value) = pair.split_once('=').ok_or_else(|| ScenarioError::Override(pair.clone()))?;
            // A word that is no TOML value is a string: `--set arrivals=constant`.
            let value = format!("v = {value}")
                .parse::<toml::Table>()
                .ok()
                .and_then(|mut parsed| parsed.remove("v"))
                .unwrap_or_else(|| toml::Value::String(value.to_owned()));
            table.insert(key.to_owned(), value);
        }
        let mut scenario: Self = table.try_into().map_err(|error| parse_error(error.to_string()))?;
        scenario.name = name;
        scenario.check()?;
        Ok(scenario)
    }

    fn check(&self) -> Result<(), ScenarioError> {
        let largest = wire::publication::MAX_DATA_BYTES;
        let size = usize::try_from(self.size_bytes).unwrap_or(usize::MAX);
        let rules = [
            (self.rooms >= 1, "rooms must be at least 1".to_owned()),
            (self.subscribers >= 1, "subscribers must be at least 1".to_owned()),
            (
                self.rooms <= self.subscribers,
                "every room needs a subscriber: rooms must not exceed subscribers".to_owned(),
            ),
            (self.rate_hz > 0.0 && self.rate_hz.is_finite(), "rate_hz must be above 0".to_owned()),
            (
                self.size_bytes >= MIN_SIZE_BYTES && size <= largest,
                format!("size_bytes must be from {MIN_SIZE_BYTES} to {largest}"),
            ),
            (self.window >= Duration::from_millis(50), "window must be at least 50ms".to_owned()),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, what)) => Err(ScenarioError::Bounds { name: self.name.clone(), what }),
            None => Ok(()),
        }
    }

    /// When publications of one room are due.
    pub fn schedule(&self) -> Schedule {
        match self.arrivals {
            Arrivals::Poisson => Schedule::Poisson { rate_hz: self.rate_hz },
            Arrivals::Constant => Schedule::Constant { rate_hz: self.rate_hz },
        }
    }

    /// As it stands in a record.
    pub(crate) fn to_record(&self) -> record::Scenario {
        let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        record::Scenario {
            name: self.name.clone(),
            question: self.question.clone(),
            rooms: self.rooms,
            subscribers: self.subscribers,
            rate_hz: self.rate_hz,
            arrivals: match self.arrivals {
                Arrivals::Poisson => "poisson".to_owned(),
                Arrivals::Constant => "constant".to_owned(),
            },
            size_bytes: self.size_bytes,
            window_ns: nanos(self.window),
            warm_up_ns: nanos(self.warm_up),
        }
    }
}

fn read(name: &str) -> Result<(String, String), ScenarioError> {
    let path = Path::new(name);
    if path.extension().is_none_or(|ending| ending != "toml") {
        let known = BUILT_IN.map(|(known, _)| known).join(", ");
        return Err(ScenarioError::Unknown { name: name.to_owned(), known });
    }
    let text = std::fs::read_to_string(path)
        .map_err(|source| ScenarioError::Read { path: path.display().to_string(), source })?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok((stem, text))
}
