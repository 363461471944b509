use std::str::FromStr;

use chaos_core::Error;
use serde_json::Value;

use super::{conversion::Conversion, nearest::or_nearest};

/// A value for an entry of the configuration, in place of what the file says.
///
/// Its text is `name=value` or `name:type=value`, with a type of Chaos Toolkit: `str`, `int`, `float`, `number`,
/// `bytes`, `bool` (false for `false`, `0` and `no`, otherwise true) or `json`.
///
/// ```
/// use chaos_lab::experiment::Variable;
/// use serde_json::json;
///
/// let port: Variable = "port:int=8080".parse()?;
/// assert_eq!((port.name.as_str(), port.value), ("port", json!(8080)));
/// assert_eq!("host=a=b".parse::<Variable>()?.value, json!("a=b"));
///
/// let error = "port:int=http".parse::<Variable>().unwrap_err();
/// assert_eq!(error.to_string(), r#"invalid variable port: "http"; expected a whole number"#);
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Variable {
    /// The name of the entry. An entry that the file does not have stays out.
    pub name: String,
    /// Its value.
    pub value: Value,
}

impl Variable {
    /// A variable.
    pub fn new(name: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

impl FromStr for Variable {
    type Err = Error;

    /// # Errors
    /// `InvalidInput` for a text without `=` or without a name, for an unknown type, and for a value that is not of the
    /// type.
    fn from_str(text: &str) -> Result<Self, Error> {
        let parts = text.split_once('=').filter(|(name, _)| !name.is_empty() && !name.starts_with(':'));
        let Some((name, value)) = parts else {
            return Err(Error::invalid("variable", format!("{text:?}"), "name=value or name:type=value"));
        };
        let Some((name, kind)) = name.rsplit_once(':') else { return Ok(Self::new(name, value)) };
        let conversion = Conversion::named(kind).ok_or_else(|| {
            let names = Conversion::NAMES.map(|(name, _)| name);
            let expected = or_nearest(Conversion::EXPECTED, kind, names);
            Error::invalid(format!("type of the variable {name}"), format!("{kind:?}"), expected)
        })?;
        let converted = conversion.convert(&value.into());
        let value = converted.ok_or_else(|| {
            Error::invalid(format!("variable {name}"), format!("{value:?}"), conversion.expected())
        })?;
        Ok(Self::new(name, value))
    }
}
