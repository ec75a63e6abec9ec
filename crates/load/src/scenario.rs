//! Scenarios: a question and the feed that answers it, from TOML.

use std::{path::Path, time::Duration};

use measure::Schedule;
use serde::{Deserialize, Deserializer, de::Error as _};
use wire::duration;

/// The scenarios that are built in, by name; the first is the default.
pub const BUILT_IN: [(&str, &str); 6] = [
    ("feed", include_str!("../../../scenarios/feed.toml")),
    ("chat", include_str!("../../../scenarios/chat.toml")),
    ("fanout", include_str!("../../../scenarios/fanout.toml")),
    ("poll-interval", include_str!("../../../scenarios/poll-interval.toml")),
    ("idle", include_str!("../../../scenarios/idle.toml")),
    ("connect", include_str!("../../../scenarios/connect.toml")),
];

/// The smallest `data`: `{"n":N,"pad":""}` with a number of five digits. A plan sees to it that the numbers fit.
pub(crate) const MIN_SIZE_BYTES: u32 = 20;

/// Subscriptions a second that may be opened where that is what is measured: a tenth of what the fleet is opened with elsewhere,
/// so that what is measured is not a queue.
const MOST_CONNECTS_HZ: f64 = 400.0;

/// The shortest window.
const LEAST_WINDOW: Duration = Duration::from_millis(50);

/// The shortest heartbeat that a scenario may ask for.
const LEAST_HEARTBEAT: Duration = Duration::from_millis(100);

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
    /// `--set` of a list where one value belongs.
    #[error("{0} takes one value, not a list; only --interval and --lanes take lists")]
    List(String),
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arrivals {
    /// Independent gaps: no period that could resonate with an interval.
    #[default]
    Poisson,
    /// Equal gaps.
    Constant,
}

/// Who publishes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Publisher {
    /// One a room that is no subscriber, over the floor lane: the same for every lane.
    #[default]
    Neutral,
    /// The subscribers of the room, each over the uplink of its own lane.
    Members,
}

/// What a scenario is about: what a cell does, and which figures it can have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Workload {
    /// Something is published, and its deliveries are looked at.
    Feed,
    /// Nothing is published to a fleet that stands.
    Idle {
        /// How often the server shows that it lives.
        heartbeat: Duration,
    },
    /// Subscriptions are opened, and end as soon as they stand.
    Connect {
        /// How many a second.
        rate_hz: f64,
    },
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
    /// Publications per second in each room; 0 where nothing is published.
    pub rate_hz: f64,
    /// When they are due; `poisson` when left out.
    #[serde(default)]
    pub arrivals: Arrivals,
    /// Who publishes them; `neutral` when left out.
    #[serde(default)]
    pub publisher: Publisher,
    /// Bytes of `data` in each publication; 128 when left out, a line of chat.
    #[serde(default = "a_line_of_chat")]
    pub size_bytes: u32,
    /// The arrival window of lanes without an interval; a lane with an interval takes one interval. To be left out with
    /// `connect_rate_hz`, from which it follows.
    #[serde(default, deserialize_with = "from_text")]
    pub window: Duration,
    /// What is published, or connected, before the window; a lane with an interval takes one interval.
    #[serde(deserialize_with = "from_text")]
    pub warm_up: Duration,
    /// How often the server shows that it lives; its own default when left out.
    #[serde(default, deserialize_with = "some_from_text")]
    pub heartbeat: Option<Duration>,
    /// Subscriptions opened a second, where that is what is measured.
    #[serde(default)]
    pub connect_rate_hz: Option<f64>,
    /// The lanes to run when the command names none; all standard ones when empty.
    #[serde(default)]
    pub lanes: Vec<String>,
    /// Blocks to run instead of the profile's.
    #[serde(default)]
    pub blocks: Option<u32>,
}

const fn a_line_of_chat() -> u32 {
    128
}

fn some_from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    from_text(deserializer).map(Some)
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
            table.insert(key.to_owned(), overriding(key, value)?);
        }
        let mut scenario: Self = table.try_into().map_err(|error| parse_error(error.to_string()))?;
        scenario.name = name;
        scenario.resolve();
        scenario.check()?;
        Ok(scenario)
    }

    /// Fills in what follows from the rest.
    fn resolve(&mut self) {
        // One that was given is found by the check, unless it is the same.
        if let (Some(rate_hz), true) = (self.connect_rate_hz, self.window.is_zero()) {
            self.window = self.opening(rate_hz).saturating_sub(self.warm_up);
        }
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
            (self.rate_hz >= 0.0 && self.rate_hz.is_finite(), "rate_hz must be a number from 0".to_owned()),
            (
                self.size_bytes >= MIN_SIZE_BYTES && size <= largest,
                format!("size_bytes must be from {MIN_SIZE_BYTES} to {largest}"),
            ),
            (self.blocks.is_none_or(|blocks| (1..=100).contains(&blocks)), "blocks must be from 1 to 100".to_owned()),
            (
                self.heartbeat.is_none_or(|heartbeat| heartbeat >= LEAST_HEARTBEAT),
                format!("heartbeat must be at least {}", duration::format(LEAST_HEARTBEAT)),
            ),
        ];
        let broken = rules.into_iter().find(|(holds, _)| !holds).map(|(_, what)| what);
        match broken.or_else(|| self.misfit()) {
            Some(what) => Err(ScenarioError::Bounds { name: self.name.clone(), what }),
            None => Ok(()),
        }
    }

    /// What does not fit together for what the scenario is about.
    fn misfit(&self) -> Option<String> {
        let is_long_enough = self.window >= LEAST_WINDOW;
        let rules = match self.workload() {
            Err(what) => vec![(false, what)],
            Ok(Workload::Feed) => vec![
                (is_long_enough, "window must be at least 50ms"),
                (
                    self.publisher == Publisher::Neutral || self.warm_up >= LEAST_WINDOW,
                    "members need a warm_up of at least 50ms, in which each sends once",
                ),
            ],
            Ok(Workload::Idle { heartbeat }) => vec![(
                is_long_enough && self.window.as_nanos().is_multiple_of(heartbeat.as_nanos()),
                "where nothing is published, window must be a whole number of heartbeats",
            )],
            Ok(Workload::Connect { rate_hz }) => vec![
                (rate_hz > 0.0 && rate_hz <= MOST_CONNECTS_HZ, "connect_rate_hz must be above 0 and at most 400"),
                (
                    (self.warm_up + self.window).abs_diff(self.opening(rate_hz)) < Duration::from_millis(1),
                    "window must be left out: it is what subscribers and connect_rate_hz leave after warm_up",
                ),
                (
                    is_long_enough,
                    "subscribers are too few: at connect_rate_hz they are all opened within warm_up + 50ms",
                ),
            ],
        };
        rules.into_iter().find(|(holds, _)| !holds).map(|(_, what)| what.to_owned())
    }

    /// How long it takes to open all subscriptions, where that is what is measured.
    fn opening(&self, rate_hz: f64) -> Duration {
        Duration::try_from_secs_f64(f64::from(self.subscribers) / rate_hz).unwrap_or(Duration::ZERO)
    }

    /// What it is about.
    ///
    /// # Errors
    ///
    /// What is missing or too much, in words.
    pub(crate) fn workload(&self) -> Result<Workload, &'static str> {
        match (self.rate_hz > 0.0, self.connect_rate_hz, self.heartbeat) {
            (true, None, _) => Ok(Workload::Feed),
            (true, Some(_), _) => Err("connecting is measured alone: rate_hz must be 0 where connect_rate_hz is given"),
            (false, _, _) if self.publisher == Publisher::Members => Err("members that publish need a rate_hz above 0"),
            (false, Some(rate_hz), _) => Ok(Workload::Connect { rate_hz }),
            (false, None, Some(heartbeat)) => Ok(Workload::Idle { heartbeat }),
            (false, None, None) => {
                Err("rate_hz must be above 0; where nothing is published, give a heartbeat or a connect_rate_hz")
            }
        }
    }

    /// Publishers beside the subscribers: one a room, unless nobody publishes or members do.
    pub(crate) fn publishers(&self) -> u32 {
        if self.rate_hz > 0.0 && self.publisher == Publisher::Neutral { self.rooms } else { 0 }
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
            publisher: match self.publisher {
                _ if self.rate_hz <= 0.0 => record::Publisher::Nobody,
                Publisher::Neutral => record::Publisher::Neutral,
                Publisher::Members => record::Publisher::Members,
            },
            heartbeat_ns: self.heartbeat.map(nanos),
            connect_rate_hz: self.connect_rate_hz,
        }
    }
}

/// The value of `--set key=value`. A word that is no TOML value is a string: `--set arrivals=constant`.
fn overriding(key: &str, value: &str) -> Result<toml::Value, ScenarioError> {
    let parsed = format!("v = {value}").parse::<toml::Table>().ok().and_then(|mut parsed| parsed.remove("v"));
    let is_list = parsed.as_ref().map_or(value.contains(','), toml::Value::is_array);
    if is_list && key != "lanes" {
        return Err(ScenarioError::List(key.to_owned()));
    }
    Ok(parsed.unwrap_or_else(|| toml::Value::String(value.to_owned())))
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
