//! Lanes: one column of a comparison, a transport with options. `short-polling+interval=5s`. The same lane once more, to see
//! what two equal columns differ by, takes a name behind an `@`: `websocket@again`.

use std::{collections::BTreeMap, fmt, iter, sync::Arc};

use crate::{OptionError, OptionSpec, Options, Spec, Transport};

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
    /// What stands behind the `@` names nothing.
    #[error("lane {0:?}: behind the @ stand 1 to 16 lower-case letters, digits or hyphens")]
    Again(String),
}

/// A transport with options. Its text form is the key everywhere: options sorted, defaults left out.
#[derive(Debug, Clone)]
pub struct Lane {
    spec: &'static Spec,
    options: Options,
    again: Option<String>,
}

impl Lane {
    /// Reads `transport("+"option)*["@"name]` with `option := name | name=value`, looking the transport up in `catalog`.
    ///
    /// # Errors
    ///
    /// [`LaneError`], whose text names what there is.
    pub fn parse(text: &str, catalog: &'static [Spec]) -> Result<Self, LaneError> {
        let (lane, again) = text.split_once('@').map_or((text, None), |(lane, again)| (lane, Some(again)));
        if again.is_some_and(|name| !is_name(name)) {
            return Err(LaneError::Again(text.to_owned()));
        }
        let mut parts = lane.split('+');
        let id = parts.next().unwrap_or_default();
        let Some(spec) = catalog.iter().find(|spec| spec.id == id) else {
            let known = catalog.iter().map(|spec| spec.id).collect::<Vec<_>>().join(", ");
            return Err(LaneError::Unknown { id: id.to_owned(), known });
        };
        let lane = Self::with(spec, parts);
        lane.map(|lane| Self { again: again.map(str::to_owned), ..lane })
            .map_err(|source| LaneError::Options { lane: text.to_owned(), source })
    }

    /// The lane of a transport with its default options.
    pub fn plain(spec: &'static Spec) -> Self {
        Self { spec, options: Options::default(), again: None }
    }

    fn with<'a>(spec: &'static Spec, options: impl Iterator<Item = &'a str>) -> Result<Self, OptionError> {
        let given =
            options.map(|option| option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value))));
        Ok(Self { spec, options: Options::parse(spec.options, given)?, again: None })
    }

    /// What is known about its transport.
    pub fn spec(&self) -> &'static Spec {
        self.spec
    }

    /// Its options.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Its name for people: the transport's title and, where they differ from the defaults, the words of its options in
    /// the order in which the transport has them. `Short polling (every 5s)`.
    pub fn title(&self) -> String {
        let values: BTreeMap<_, _> = self.options.iter().collect();
        let words = |option: &OptionSpec| match values.get(option.name)? {
            None => Some(option.title.to_owned()),
            Some(value) => Some(format!("{} {value}", option.title)),
        };
        let words: Vec<String> = self.spec.options.iter().filter_map(words).chain(self.again.clone()).collect();
        if words.is_empty() {
            self.spec.title.to_owned()
        } else {
            format!("{} ({})", self.spec.title, words.join(", "))
        }
    }

    /// Its place among the lanes that [`standard`] gives for its transport: 0 for the plain one; none for a lane that is not
    /// among them.
    pub fn variant(&self) -> Option<usize> {
        family(self.spec).position(|lane| lane.options == self.options && lane.again == self.again)
    }

    /// An instance of its transport.
    pub fn build(&self) -> Arc<dyn Transport> {
        (self.spec.build)(&self.options)
    }
}

/// The lanes that are compared when none is named: of every transport of `catalog`, in its order, the plain lane and then its
/// variants.
pub fn standard(catalog: &'static [Spec]) -> Vec<Lane> {
    catalog.iter().flat_map(family).collect()
}

/// The plain lane of a transport, then its variants. One that its own transport refused would be missing; a test of the list
/// reads them all.
fn family(spec: &'static Spec) -> impl Iterator<Item = Lane> {
    let variants = spec.variants.iter().filter_map(move |options| Lane::with(spec, options.split('+')).ok());
    iter::once(Lane::plain(spec)).chain(variants)
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.spec.id, self.options)?;
        self.again.iter().try_for_each(|name| write!(f, "@{name}"))
    }
}

fn is_name(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=16).contains(&text.len()) && text.bytes().all(known)
}
