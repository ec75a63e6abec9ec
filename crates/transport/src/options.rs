//! Options of a transport: what follows the `+` in a lane's name.

use std::{collections::BTreeMap, time::Duration};

use wire::duration;

/// An option that a transport knows.
#[derive(Debug)]
pub struct OptionSpec {
    /// Its name, kebab case.
    pub name: &'static str,
    /// What it takes.
    pub kind: OptionKind,
    /// What it means, for `feedbench list`.
    pub help: &'static str,
}

/// What an option takes.
#[derive(Debug)]
pub enum OptionKind {
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
    durations: BTreeMap<&'static str, Duration>,
}

impl Options {
    /// Checks `(name, value)` pairs against what a transport knows.
    ///
    /// # Errors
    ///
    /// [`OptionError`] for an unknown name, a repeated one, or a value that does not fit.
    pub fn parse<'a>(
        known: &'static [OptionSpec],
        given: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, OptionError> {
        let mut options = Self::default();
        let mut seen = Vec::new();
        for (name, value) in given {
            let Some(spec) = known.iter().find(|spec| spec.name == name) else {
                let names: Vec<_> = known.iter().map(|spec| spec.name).collect();
                let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                return Err(OptionError::Unknown { name: name.to_owned(), known });
            };
            if seen.contains(&name) {
                return Err(OptionError::Twice(name.to_owned()));
            }
            seen.push(name);
            let OptionKind::Duration { default, min, max } = spec.kind;
            let fits = duration::parse(value).ok().filter(|duration| (min..=max).contains(duration));
            let duration = fits.ok_or_else(|| OptionError::Value {
                name: spec.name,
                expected: format!("a duration from {} to {}", duration::format(min), duration::format(max)),
                value: value.to_owned(),
            })?;
            if duration != default {
                options.durations.insert(spec.name, duration);
            }
        }
        Ok(options)
    }

    /// The value of a duration that `spec` describes.
    pub fn duration(&self, spec: &OptionSpec) -> Duration {
        let OptionKind::Duration { default, .. } = spec.kind;
        self.durations.get(spec.name).copied().unwrap_or(default)
    }

    /// Those that differ from their default, sorted by name, as text.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.durations.iter().map(|(name, value)| (*name, duration::format(*value)))
    }
}
