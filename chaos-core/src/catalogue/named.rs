use serde_json::{Map, Value};

use super::{naming::Naming, parameter::shown, parameters::Parameters};
use crate::error::{Error, Result};

/// The name and the parameters in `data`, which asks for one entry of a catalogue.
///
/// # Errors
/// `InvalidInput` for what is no object, called `field`, or has no name; `what` says what is asked for, as in "an
/// event".
pub(super) fn name_and_parameters(
    data: &Value,
    field: &str,
    what: &str,
    example: &str,
) -> Result<(String, Map<String, Value>)> {
    let Some(fields) = data.as_object() else {
        return Err(Error::invalid(field, shown(data), format!("an object such as {example}")));
    };
    let mut parameters = fields.clone();
    match parameters.remove("name") {
        Some(Value::String(name)) => Ok((name, parameters)),
        other => {
            let value = shown(&other.unwrap_or(Value::Null));
            Err(Error::invalid("name", value, format!("the name of {what}")))
        }
    }
}

/// An error of a decoder. A parameter of `of` is called as the user wrote it.
pub(super) fn as_written(error: Error, of: &Parameters, naming: Naming) -> Error {
    let called = error.field().filter(|field| of.get(field).is_some()).map(|field| naming.of(field));
    match called {
        Some(called) => error.in_field(called),
        None => error,
    }
}
