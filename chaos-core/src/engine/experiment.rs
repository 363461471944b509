use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::EngineRun;
use crate::error::{Error, ErrorKind, Result};

/// The longest id, in bytes.
const LONGEST: usize = 1024;

/// Names an experiment: the engine, a colon, and the engine's own name for it, such as `aws-fis:EXT1a2b3c4d5e6f7`.
///
/// ```
/// use chaos_core::engine::EngineExperimentId;
///
/// let id: EngineExperimentId = "aws-fis:EXT1a2b3c4d5e6f7".parse()?;
/// assert_eq!((id.engine(), id.name()), ("aws-fis", "EXT1a2b3c4d5e6f7"));
/// assert!("EXT1a2b3c4d5e6f7".parse::<EngineExperimentId>().is_err());
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EngineExperimentId(String);

impl EngineExperimentId {
    /// The id of the experiment that `engine` knows as `name`.
    ///
    /// # Errors
    /// `InvalidInput` for an engine that is not lower-case letters, digits and hyphens, an empty name, a control
    /// character, or more than 1,024 bytes.
    pub fn new(engine: &str, name: &str) -> Result<Self> {
        let is_engine = !engine.is_empty()
            && engine.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let text = format!("{engine}:{name}");
        if !is_engine || name.is_empty() || name.chars().any(char::is_control) || text.len() > LONGEST {
            let expected = "engine:name, the engine in lower-case letters, without control characters";
            return Err(Error::invalid("experiment id", format!("{text:?}"), expected));
        }
        Ok(Self(text))
    }

    /// The part before the first colon: the engine that knows the experiment.
    pub fn engine(&self) -> &str {
        self.0.split_once(':').map_or("", |(engine, _)| engine)
    }

    /// The part after the first colon: the engine's own name for the experiment.
    pub fn name(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, name)| name)
    }
}

impl FromStr for EngineExperimentId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (engine, name) = text.split_once(':').unwrap_or(("", text));
        Self::new(engine, name).map_err(|_| {
            Error::invalid(
                "experiment id",
                format!("{text:?}"),
                "engine:name, as in aws-fis:EXT1a2b3c4d5e6f7",
            )
        })
    }
}

impl TryFrom<String> for EngineExperimentId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<EngineExperimentId> for String {
    fn from(id: EngineExperimentId) -> Self {
        id.0
    }
}

impl fmt::Display for EngineExperimentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EngineExperimentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An experiment that was looked up: its id, and the data by which its engine tells the runs of one fault apart from
/// all other runs. It goes into the journal, so it holds no secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EngineExperiment {
    id: EngineExperimentId,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    mark: Value,
}

impl EngineExperiment {
    /// An experiment whose runs have the id of their fault, so nothing else is needed.
    pub fn new(id: EngineExperimentId) -> Self {
        Self { id, mark: Value::Null }
    }

    /// Adds data for its engine, in the provider's own form, such as the last run before the fault.
    ///
    /// # Errors
    /// `InvalidInput` if the value has no JSON form.
    pub fn marked<T: Serialize>(mut self, mark: &T) -> Result<Self> {
        self.mark = serde_json::to_value(mark).map_err(|error| {
            Error::new(ErrorKind::InvalidInput, "the mark of the experiment has no JSON form")
                .with("experiment", &self.id)
                .caused_by(error)
        })?;
        Ok(self)
    }

    /// Its id.
    pub fn id(&self) -> &EngineExperimentId {
        &self.id
    }

    /// Reads back the data of [`marked`](Self::marked).
    ///
    /// # Errors
    /// `Corrupt` if it is not a `T`.
    pub fn mark<T: DeserializeOwned>(&self) -> Result<T> {
        T::deserialize(&self.mark).map_err(|error| {
            Error::new(ErrorKind::Corrupt, "the mark of the experiment cannot be read")
                .with("experiment", &self.id)
                .caused_by(error)
        })
    }
}

/// The definition of an experiment, as known before it runs.
///
/// A new one is as doubtful as possible: each fact that the provider does not set keeps the experiment from running.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EngineDefinition {
    /// The experiment.
    pub experiment: EngineExperiment,
    /// The maximum duration of a run that is not stopped, by its definition; or the reason why it is unknown.
    pub longest: Result<Duration, String>,
    /// Its extent.
    pub extent: EngineExtent,
    /// The effects that its end does not undo, in the provider's words, such as "terminates instances". A group that
    /// replaces its members recovers from them.
    pub left_behind: Vec<String>,
    /// The runs in progress, including those that somebody else has started.
    pub under_way: Vec<EngineRun>,
    /// Notes for a person, such as its targets, and whether an alarm stops it.
    pub notes: Vec<String>,
}

/// The extent of an experiment: the things that it may hit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EngineExtent {
    /// At most this many members of the target's group, chosen by the engine, and nothing else.
    Members(usize),
    /// More than the target's group, for this reason; or the extent is unknown.
    Beyond(String),
}

impl EngineDefinition {
    /// A definition without any known facts.
    pub fn new(experiment: EngineExperiment) -> Self {
        Self {
            experiment,
            longest: Err("its provider does not say".to_owned()),
            extent: EngineExtent::Beyond("its provider does not say".to_owned()),
            left_behind: Vec::new(),
            under_way: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Sets the maximum duration of a run, or why it is unknown.
    #[must_use]
    pub fn longest(mut self, longest: Result<Duration, String>) -> Self {
        self.longest = longest;
        self
    }

    /// Sets what it hits.
    #[must_use]
    pub fn extent(mut self, extent: EngineExtent) -> Self {
        self.extent = extent;
        self
    }

    /// Sets the effects that its end does not undo.
    #[must_use]
    pub fn left_behind(mut self, what: impl IntoIterator<Item = String>) -> Self {
        self.left_behind = what.into_iter().collect();
        self
    }

    /// Sets the runs in progress.
    #[must_use]
    pub fn under_way(mut self, runs: impl IntoIterator<Item = EngineRun>) -> Self {
        self.under_way = runs.into_iter().collect();
        self
    }

    /// Sets the notes for a person.
    #[must_use]
    pub fn notes(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        self.notes = notes.into_iter().collect();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_its_engine() {
        let id: EngineExperimentId = "azure-chaos:/subscriptions/a b/experiments/x:y".parse().unwrap();
        assert_eq!((id.engine(), id.name()), ("azure-chaos", "/subscriptions/a b/experiments/x:y"));
        assert_eq!(
            serde_json::from_str::<EngineExperimentId>(&serde_json::to_string(&id).unwrap()).unwrap(),
            id
        );
        for text in ["", ":", "x:", ":y", "EXT123", "X:y", "a b:c", "aws-fis:a\nb"] {
            let error = text.parse::<EngineExperimentId>().expect_err(text).to_string();
            assert!(error.starts_with("invalid experiment id"), "{error}");
        }
        assert!(EngineExperimentId::new("aws-fis", &"x".repeat(LONGEST)).is_err());
    }

    #[test]
    fn a_mark_comes_back_as_it_was() {
        let plain = EngineExperiment::new("aws-fis:EXT1".parse().unwrap());
        assert_eq!(serde_json::to_string(&plain).unwrap(), r#"{"id":"aws-fis:EXT1"}"#);
        let marked = plain.clone().marked(&("run-7", 3)).unwrap();
        let text = serde_json::to_string(&marked).unwrap();
        let again: EngineExperiment = serde_json::from_str(&text).unwrap();
        assert_eq!(again, marked);
        assert_eq!(again.mark::<(String, u32)>().unwrap(), ("run-7".to_owned(), 3));
        assert_eq!(plain.mark::<String>().unwrap_err().kind(), ErrorKind::Corrupt);
    }
}
