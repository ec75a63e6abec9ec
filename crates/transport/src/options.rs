//! Options of a transport: what follows the `+` in a lane's name.

use std::{collections::BTreeMap, fmt, time::Duration};

use wire::duration;

/// An option that a transport knows.
#[derive(Debug)]
pub struct OptionSpec {
    /// Its name, kebab case.
    pub name: &'static str,
    /// What it says in a lane's title: all of it for a flag, what stands before the value for others.
    pub title: &'static str,
    /// What it takes.
    pub kind: OptionKind,
    /// What it means, for `feedbench list`.
    pub help: &'static str,
}

/// What an option takes.
#[derive(Debug)]
pub enum OptionKind {
    /// Nothing: it is there or not, written as its bare name.
    Flag {
        /// Flags that cannot stand beside it; one of two names the other.
        excludes: &'static [&'static str],
    },
    /// A duration within bounds, written as `250ms` or `5s`.
    Duration {
        /// Used when the lane does not name the option.
        default: Duration,
        /// The shortest allowed.
        min: Duration,
        /// The longest allowed.
        max: Duration,
    },
}

/// Why options are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// No option of this name.
    #[error("the transport has no option {name:?}; it knows: {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The same option twice.
    #[error("the option {0:?} is given twice")]
    Twice(String),
    /// Two flags that cannot stand beside each other.
    #[error("the options {one:?} and {other:?} exclude each other")]
    Excluded {
        /// The one.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
    /// A value where none is taken.
    #[error("the option {name:?} is written without a value: +{name}, not +{name}={value}")]
    Flag {
        /// The option.
        name: &'static str,
        /// What was given.
        value: String,
    },
    /// A value that does not fit.
    #[error("the option {name:?} takes {expected}, not {value:?}")]
    Value {
        /// The option.
        name: &'static str,
        /// What it takes.
        expected: String,
        /// What was given.
        value: String,
    },
}

/// Checked options of one lane. Only those that differ from their default are held, so equal lanes have equal options.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// By name; a flag has no value.
    given: BTreeMap<&'static str, Option<Duration>>,
}

impl Options {
    /// Checks names, each with its value where it has one, against what a transport knows.
    ///
    /// # Errors
    ///
    /// [`OptionError`] for an unknown name, a repeated one, a value that does not fit, or flags that exclude each other.
    pub fn parse<'a>(
        known: &'static [OptionSpec],
        given: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    ) -> Result<Self, OptionError> {
        let mut options = Self::default();
        let mut seen: Vec<&'static OptionSpec> = Vec::new();
        for (name, value) in given {
            let Some(spec) = known.iter().find(|spec| spec.name == name) else {
                let names: Vec<_> = known.iter().map(|spec| spec.name).collect();
                let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                return Err(OptionError::Unknown { name: name.to_owned(), known });
            };
            if seen.iter().any(|other| other.name == spec.name) {
                return Err(OptionError::Twice(name.to_owned()));
            }
            if let Some(other) = seen.iter().find(|other| spec.excludes(other) || other.excludes(spec)) {
                return Err(OptionError::Excluded { one: other.name, other: spec.name });
            }
            seen.push(spec);
            let value = spec.value(value)?;
            if !spec.is_default(value) {
                options.given.insert(spec.name, value);
            }
        }
        Ok(options)
    }

    /// Whether the flag that `spec` describes is there.
    pub fn flag(&self, spec: &OptionSpec) -> bool {
        self.given.contains_key(spec.name)
    }

    /// The value of a duration that `spec` describes; zero for a flag.
    pub fn duration(&self, spec: &OptionSpec) -> Duration {
        let default = match spec.kind {
            OptionKind::Flag { .. } => Duration::ZERO,
            OptionKind::Duration { default, .. } => default,
        };
        self.given.get(spec.name).copied().flatten().unwrap_or(default)
    }

    /// Those that differ from their default, sorted by name, with their value as text; a flag has none.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Option<String>)> {
        self.given.iter().map(|(name, value)| (*name, value.map(duration::format)))
    }
}

impl OptionSpec {
    /// Reads what stands behind the name.
    fn value(&self, text: Option<&str>) -> Result<Option<Duration>, OptionError> {
        match (&self.kind, text) {
            (OptionKind::Flag { .. }, None) => Ok(None),
            (OptionKind::Flag { .. }, Some(value)) => {
                Err(OptionError::Flag { name: self.name, value: value.to_owned() })
            }
            (&OptionKind::Duration { min, max, .. }, text) => {
                let value = text.unwrap_or_default();
                let fits = duration::parse(value).ok().filter(|duration| (min..=max).contains(duration));
                fits.map(Some).ok_or_else(|| OptionError::Value {
                    name: self.name,
                    expected: format!("a duration from {} to {}", duration::format(min), duration::format(max)),
                    value: value.to_owned(),
                })
            }
        }
    }

    /// A flag that is there is never the default.
    fn is_default(&self, value: Option<Duration>) -> bool {
        matches!(self.kind, OptionKind::Duration { default, .. } if value == Some(default))
    }

    fn excludes(&self, other: &Self) -> bool {
        matches!(self.kind, OptionKind::Flag { excludes } if excludes.contains(&other.name))
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|(name, value)| match value {
            None => write!(f, "+{name}"),
            Some(value) => write!(f, "+{name}={value}"),
        })
    }
}
