use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    arguments::Arguments,
    naming::Naming,
    parameter::{NOT_SHOWN, Parameter, shown},
};
use crate::{
    error::{Error, Result},
    text::nearest,
};

/// The parameters that something takes, and which of them exclude each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Parameters {
    /// In the order in which people are shown them.
    pub parameters: Vec<Parameter>,
    /// Of each group of names, exactly one must be given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<Vec<String>>,
    /// Of each group of names, at most one may be given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at_most_one_of: Vec<Vec<String>>,
}

impl Parameters {
    /// Adds a parameter.
    #[must_use]
    pub fn with(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// Says that exactly one of these parameters must be given.
    #[must_use]
    pub fn one_of<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.one_of.push(names.into_iter().map(str::to_owned).collect());
        self
    }

    /// Says that these parameters exclude each other.
    #[must_use]
    pub fn at_most_one_of<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.at_most_one_of.push(names.into_iter().map(str::to_owned).collect());
        self
    }

    /// The parameter of this name.
    pub fn get(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }

    /// Reads the values that were given for `whom`, such as `cpu-burn`.
    ///
    /// # Errors
    /// `InvalidInput` that names the parameter as `naming` says, the value, and what would be right: for a value out of
    /// its range, an unknown or missing parameter, and for parameters that exclude each other.
    pub fn read(&self, whom: &str, given: &Map<String, Value>, naming: Naming) -> Result<Arguments> {
        for (name, value) in given {
            if self.get(name).is_none() {
                return Err(self.unknown(whom, name, value, naming));
            }
        }
        let mut read = Vec::new();
        for parameter in &self.parameters {
            let called = naming.of(&parameter.name);
            let datum = match given.get(&parameter.name) {
                Some(value) => parameter.read(value, &called)?,
                None => None,
            };
            if parameter.required && datum.is_none() {
                return Err(Error::invalid(called, "none", &parameter.about).with("of", whom));
            }
            read.push((parameter.name.clone(), datum));
        }
        let is_secret = self.parameters.iter().filter(|parameter| parameter.secret);
        let secret = is_secret.map(|parameter| parameter.name.clone()).collect();
        let arguments = Arguments::new(read, naming, secret);
        self.check_groups(whom, &arguments, naming)?;
        for parameter in &self.parameters {
            if let (Some(value), Some(other)) = (arguments.shown(&parameter.name), &parameter.only_with)
                && !arguments.is_given(other)
            {
                let expected = format!("none without {}", naming.of(other));
                return Err(Error::invalid(naming.of(&parameter.name), value, expected));
            }
        }
        Ok(arguments)
    }

    fn check_groups(&self, whom: &str, arguments: &Arguments, naming: Naming) -> Result<()> {
        for group in self.one_of.iter().chain(&self.at_most_one_of) {
            let mut given = group.iter().filter_map(|name| Some((name, arguments.shown(name)?)));
            match (given.next(), given.next()) {
                (Some(_), None) => {}
                (None, _) if self.at_most_one_of.contains(group) => {}
                (Some((one, _)), Some((other, value))) => {
                    let expected = format!("none with {}", naming.of(one));
                    return Err(Error::invalid(naming.of(other), value, expected));
                }
                (None, _) => {
                    let first = group.first().map_or("", String::as_str);
                    let names = naming.any_of(group.iter().map(String::as_str));
                    return Err(Error::invalid(naming.of(first), "none", format!("{names} with {whom}")));
                }
            }
        }
        Ok(())
    }

    fn unknown(&self, whom: &str, name: &str, value: &Value, naming: Naming) -> Error {
        let names = || self.parameters.iter().map(|parameter| parameter.name.as_str());
        let expected = match nearest(name, names()) {
            Some(near) => naming.of(near),
            None if self.parameters.is_empty() => format!("none: {whom} has no parameters"),
            None => format!("a parameter of {whom}: {}", naming.any_of(names())),
        };
        let name: String = name.chars().take(80).collect();
        // It may be the misspelt name of a secret.
        let may_be_secret = self.parameters.iter().any(|parameter| parameter.secret);
        let value = if may_be_secret { NOT_SHOWN.to_owned() } else { shown(value) };
        Error::invalid(naming.of(&name), value, expected)
    }
}
