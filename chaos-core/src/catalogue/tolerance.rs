use serde_json::{Map, Value};

use super::{naming::Naming, parameter::shown};
use crate::{
    error::{Error, Result},
    steady_state::Tolerance,
    text::{nearest, parse_duration},
};

/// The names of the rules, as data has them.
const RULES: [&str; 9] =
    ["is", "one-of", "at-least", "at-most", "between", "all", "any", "within", "no-more-than-before"];
/// How deep tolerances may be nested.
const DEEPEST: usize = 16;

impl Tolerance {
    /// Reads a tolerance from data. A boolean, a number and a text are the value itself. An object has one of these
    /// rules, or several that must all be met:
    ///
    /// | rule | value |
    /// |---|---|
    /// | `is` | any value |
    /// | `one-of` | a list of values |
    /// | `at-least`, `at-most` | a number |
    /// | `between` | a list of two numbers, both included |
    /// | `all`, `any` | a list of tolerances |
    /// | `within` | a duration such as `"300ms"` |
    /// | `no-more-than-before` | a factor such as `1.5` |
    ///
    /// ```
    /// use chaos_core::Tolerance;
    /// use serde_json::json;
    ///
    /// let fast = Tolerance::from_data(&json!({ "is": 200, "within": "300ms" }))?;
    /// assert_eq!(fast.to_string(), "200 and within 300ms");
    ///
    /// let typo = Tolerance::from_data(&json!({ "atleast": 0.99 })).unwrap_err();
    /// assert_eq!(typo.to_string(), "invalid tolerance.atleast: 0.99; expected at-least");
    /// # Ok::<(), chaos_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` that names the rule by its path in the data, such as `tolerance.all[1].at-least`, and the value,
    /// and says what would be right.
    pub fn from_data(data: &Value) -> Result<Self> {
        read(data, "tolerance", 0)
    }
}

fn read(data: &Value, path: &str, depth: usize) -> Result<Tolerance> {
    let wrong = |expected: &str| Err(Error::invalid(path, shown(data), expected));
    match data {
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(Tolerance::is(data.clone())),
        Value::Object(_) if depth == DEEPEST => wrong("tolerances that are nested less deep"),
        Value::Object(rules) => {
            let mut read: Vec<Tolerance> = all_of(rules, path, depth)?;
            let bound = |rule: &str| rules.get(rule).and_then(Value::as_f64);
            if bound("at-least").zip(bound("at-most")).is_some_and(|(least, most)| least > most) {
                return wrong("at-least to be no more than at-most");
            }
            match (read.pop(), read.is_empty()) {
                (Some(only), true) => Ok(only),
                (Some(last), false) => Ok(Tolerance::all(read.into_iter().chain([last]))),
                (None, _) => wrong("at least one rule, such as {\"at-least\": 0.99}"),
            }
        }
        Value::Array(_) => wrong("an object such as {\"one-of\": [200, 204]} or {\"between\": [0, 1]}"),
        Value::Null => wrong("a value such as 200, or an object such as {\"at-least\": 0.99}"),
    }
}

fn all_of(rules: &Map<String, Value>, path: &str, depth: usize) -> Result<Vec<Tolerance>> {
    rules.iter().map(|(rule, value)| one(rule, value, &format!("{path}.{rule}"), depth)).collect()
}

fn one(rule: &str, value: &Value, path: &str, depth: usize) -> Result<Tolerance> {
    let wrong = |expected: &str| Error::invalid(path, shown(value), expected);
    let number = || value.as_f64().ok_or_else(|| wrong("a number"));
    let list = || value.as_array().ok_or_else(|| wrong("a list"));
    let tolerances = || {
        let items = list()?.iter().enumerate();
        items
            .map(|(index, item)| read(item, &format!("{path}[{index}]"), depth + 1))
            .collect::<Result<Vec<_>>>()
    };
    let tolerance = match rule {
        "is" => Tolerance::is(value.clone()),
        "one-of" => Tolerance::one_of(list()?.iter().cloned()),
        "at-least" => Tolerance::at_least(number()?),
        "at-most" => Tolerance::at_most(number()?),
        "between" => match list()?.iter().map(Value::as_f64).collect::<Vec<_>>()[..] {
            [Some(least), Some(most)] => Tolerance::between(least, most),
            _ => return Err(wrong("a list of two numbers")),
        },
        "all" => Tolerance::all(tolerances()?),
        "any" => Tolerance::any(tolerances()?),
        "within" => {
            let duration = value.as_str().and_then(|text| parse_duration(text).ok());
            Tolerance::within(duration.ok_or_else(|| wrong("a duration such as 300ms"))?)
        }
        "no-more-than-before" => Tolerance::no_more_than_before(number()?),
        other => {
            let expected = nearest(other, RULES).map_or_else(|| Naming::Fields.any_of(RULES), str::to_owned);
            return Err(wrong(&expected));
        }
    };
    tolerance.check().map_err(|error| error.in_field(path))?;
    Ok(tolerance)
}
