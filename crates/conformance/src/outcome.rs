//! What became of one promise on one lane.

use std::io;

use crate::client::ClientError;

/// What became of one promise on one lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It held.
    Kept {
        /// What was tried.
        detail: String,
    },
    /// It did not hold.
    Broken {
        /// What was seen instead.
        why: String,
    },
    /// It cannot be seen here, or there is nothing to promise.
    NotApplicable {
        /// The reason.
        why: String,
    },
}

impl Outcome {
    /// The stable word for programs: `kept`, `broken`, `not_applicable`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Kept { .. } => "kept",
            Self::Broken { .. } => "broken",
            Self::NotApplicable { .. } => "not_applicable",
        }
    }

    /// What was tried, what was seen instead, or the reason.
    pub fn detail(&self) -> &str {
        match self {
            Self::Kept { detail } => detail,
            Self::Broken { why } | Self::NotApplicable { why } => why,
        }
    }
}

/// What a check gives: what it tried, when the promise held.
pub(crate) type Checked<T = String> = Result<T, Otherwise>;

/// Why a check does not say that a promise held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Otherwise {
    /// It did not hold.
    Broken(String),
    /// It cannot be seen here, or there is nothing to promise.
    NotApplicable(String),
}

impl Otherwise {
    /// Says in which part of a check it was seen.
    pub(crate) fn at(self, part: &str) -> Self {
        match self {
            Self::Broken(why) => Self::Broken(format!("{part}: {why}")),
            Self::NotApplicable(why) => Self::NotApplicable(format!("{part}: {why}")),
        }
    }
}

/// A sentence about what was seen says that a promise is broken.
impl From<String> for Otherwise {
    fn from(why: String) -> Self {
        Self::Broken(why)
    }
}

impl From<ClientError> for Otherwise {
    fn from(error: ClientError) -> Self {
        Self::Broken(error.to_string())
    }
}

impl From<io::Error> for Otherwise {
    fn from(error: io::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

impl From<Checked> for Outcome {
    fn from(checked: Checked) -> Self {
        match checked {
            Ok(detail) => Self::Kept { detail },
            Err(Otherwise::Broken(why)) => Self::Broken { why },
            Err(Otherwise::NotApplicable(why)) => Self::NotApplicable { why },
        }
    }
}
