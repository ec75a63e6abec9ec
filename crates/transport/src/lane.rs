//! Lanes: one column of a comparison, a transport with options. `short-polling+interval=5s`.

use std::{fmt, sync::Arc};

use crate::{OptionError, Options, Spec, Transport};

/// Why a text names no lane.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LaneError {
    /// No transport of this id.
    #[error("there is no transport {id:?}; there are {known}")]
    Unknown {
        /// What was asked for.
        id: String,
        /// What there is.
        known: String,
    },
    /// The transport does not take these options.
    #[error("lane {lane:?}: {source}")]
    Options {
        /// The lane's text.
        lane: String,
        /// What is wrong.
        source: OptionError,
    },
}

/// A transport with options. Its text form is the key everywhere: options sorted, defaults left out.
#[derive(Debug, Clone)]
pub struct Lane {
    spec: &'static Spec,
    options: Options,
}

impl Lane {
    /// Reads `transport("+"option)*` with `option := name=value`, looking the transport up in `catalog`.
    ///
    /// # Errors
    ///
    /// [`LaneError`], whose text names what there is.
    pub fn parse(text: &str, catalog: &'static [Spec]) -> Result<Self, LaneError> {
        let mut parts = text.split('+');
        let id = parts.next().unwrap_or_default();
        let Some(spec) = catalog.iter().find(|spec| spec.id == id) else {
            let known = catalog.iter().map(|spec| spec.id).collect::<Vec<_>>().join(", ");
            return Err(LaneError::Unknown { id: id.to_owned(), known });
        };
        let given = parts.map(|option| option.split_once('=').unwrap_or((option, "")));
        let options = Options::parse(spec.options, given)
            .map_err(|source| LaneError::Options { lane: text.to_owned(), source })?;
        Ok(Self { spec, options })
    }

    /// The lane of a transport with its default options.
    pub fn plain(spec: &'static Spec) -> Self {
        Self { spec, options: Options::default() }
    }

    /// What is known about its transport.
    pub fn spec(&self) -> &'static Spec {
        self.spec
    }

    /// Its options.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// An instance of its transport.
    pub fn build(&self) -> Arc<dyn Transport> {
        (self.spec.build)(&self.options)
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.spec.id)?;
        self.options.iter().try_for_each(|(name, value)| write!(f, "+{name}={value}"))
    }
}
