use std::{collections::BTreeSet, fmt, time::Duration};

use serde_json::{Map, Value};

use super::{datum::Datum, naming::Naming, parameter::NOT_SHOWN};
use crate::{
    error::{Error, ErrorKind, Result},
    plan::Quota,
};

/// The given arguments of an event or a provider. Every value has its type and is within its bounds.
///
/// Made by [`Parameters::read`](super::Parameters::read). A getter is an error for a parameter that was not described,
/// and for one of another type: both are mistakes in the decoder.
#[derive(Clone, Default, PartialEq)]
pub struct Arguments {
    /// Every parameter that there is, in the order of its description.
    all: Vec<(String, Option<Datum>)>,
    naming: Naming,
    /// The parameters whose values are not shown.
    secret: BTreeSet<String>,
}

impl Arguments {
    pub(super) fn new(all: Vec<(String, Option<Datum>)>, naming: Naming, secret: BTreeSet<String>) -> Self {
        Self { all, naming, secret }
    }

    /// Whether the parameter was given; for a flag, whether it is set.
    pub fn is_given(&self, name: &str) -> bool {
        self.all.iter().any(|(known, datum)| known == name && datum.is_some())
    }

    /// A number.
    ///
    /// # Errors
    /// `Other` for a parameter that is no number.
    pub fn number(&self, name: &str) -> Result<Option<f64>> {
        self.get(name, |datum| match datum {
            Datum::Number(number) => Some(*number),
            _ => None,
        })
    }

    /// A whole number.
    ///
    /// # Errors
    /// `Other` for a parameter of another type.
    pub fn count(&self, name: &str) -> Result<Option<usize>> {
        self.get(name, |datum| match datum {
            Datum::Count(count) => Some(usize::try_from(*count).unwrap_or(usize::MAX)),
            _ => None,
        })
    }

    /// A duration.
    ///
    /// # Errors
    /// `Other` for a parameter of another type.
    pub fn duration(&self, name: &str) -> Result<Option<Duration>> {
        self.get(name, |datum| match datum {
            Datum::Duration(duration) => Some(*duration),
            _ => None,
        })
    }

    /// A number of bytes.
    ///
    /// # Errors
    /// `Other` for a parameter that is no size.
    pub fn size(&self, name: &str) -> Result<Option<u64>> {
        self.get(name, |datum| match datum {
            Datum::Size(bytes) => Some(*bytes),
            _ => None,
        })
    }

    /// A number of targets, or a share of all.
    ///
    /// # Errors
    /// `Other` for a parameter of another type.
    pub fn quota(&self, name: &str) -> Result<Option<Quota>> {
        self.get(name, |datum| match datum {
            Datum::Quota(quota) => Some(*quota),
            _ => None,
        })
    }

    /// A text, a path, or the name of a choice.
    ///
    /// # Errors
    /// `Other` for a parameter of another type.
    pub fn text(&self, name: &str) -> Result<Option<&str>> {
        self.get(name, |datum| match datum {
            Datum::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// The texts of a list; empty if it was not given.
    ///
    /// # Errors
    /// `Other` for a parameter that is no list of texts.
    pub fn texts(&self, name: &str) -> Result<Vec<&str>> {
        let texts = self.get(name, |datum| match datum {
            Datum::List(items) | Datum::Each(items) => items
                .iter()
                .map(|item| match item {
                    Datum::Text(text) => Some(text.as_str()),
                    _ => None,
                })
                .collect(),
            _ => None,
        })?;
        Ok(texts.unwrap_or_default())
    }

    /// Every port of a list, once; empty if it was not given.
    ///
    /// # Errors
    /// `Other` for a parameter that is no list of ports.
    pub fn ports(&self, name: &str) -> Result<BTreeSet<u16>> {
        let ports = self.get(name, |datum| match datum {
            Datum::List(items) => items.iter().try_fold(BTreeSet::new(), |mut ports, item| match item {
                Datum::Ports(first, last) => {
                    ports.extend(*first..=*last);
                    Some(ports)
                }
                _ => None,
            }),
            _ => None,
        })?;
        Ok(ports.unwrap_or_default())
    }

    /// The arguments as a command line repeats them, in the order of the description: each name with its text, or
    /// without one for a flag. The items of a list are separated by commas, or repeat the name if they may contain
    /// commas.
    pub fn given(&self) -> impl Iterator<Item = (&str, Option<String>)> {
        self.all.iter().flat_map(|(name, datum)| {
            let texts = match datum {
                None => Vec::new(),
                Some(Datum::Set) => vec![None],
                Some(Datum::Each(items)) => items.iter().map(|item| Some(item.to_string())).collect(),
                Some(datum) => vec![Some(datum.to_string())],
            };
            texts.into_iter().map(|text| (name.as_str(), text))
        })
    }

    /// The user's name for the parameter `name`, for errors of a decoder.
    pub fn called(&self, name: &str) -> String {
        self.naming.of(name)
    }

    /// The arguments as data that reads the same again.
    pub fn to_map(&self) -> Map<String, Value> {
        let given = self.all.iter().filter_map(|(name, datum)| Some((name.clone(), datum.as_ref()?.into())));
        given.collect()
    }

    /// The text of a value in an error.
    pub(super) fn shown(&self, name: &str) -> Option<String> {
        let (_, datum) = self.all.iter().find(|(known, _)| known == name)?;
        let datum = datum.as_ref()?;
        Some(if self.secret.contains(name) { NOT_SHOWN.to_owned() } else { datum.to_string() })
    }

    fn get<'a, T>(&'a self, name: &str, read: impl FnOnce(&'a Datum) -> Option<T>) -> Result<Option<T>> {
        let mistaken = |what| Error::new(ErrorKind::Other, what).with("parameter", name);
        let (_, datum) =
            self.all.iter().find(|(known, _)| known == name).ok_or_else(|| {
                mistaken("a decoder asks for a parameter that its specification does not have")
            })?;
        match datum {
            None => Ok(None),
            Some(datum) => read(datum).map(Some).ok_or_else(|| {
                mistaken("a decoder asks for a parameter as another type than its specification has")
            }),
        }
    }
}

impl fmt::Debug for Arguments {
    /// What was given, without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.all.iter().filter_map(|(name, _)| Some((name, self.shown(name)?))))
            .finish()
    }
}
