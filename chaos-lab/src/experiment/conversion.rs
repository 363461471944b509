use serde_json::{Number, Value};

/// The types that a variable may have in a file or on a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conversion {
    Text,
    Bytes,
    Whole,
    Number,
    Boolean,
    Json,
}

impl Conversion {
    /// The names as Chaos Toolkit has them.
    pub(super) const NAMES: [(&'static str, Self); 9] = [
        ("str", Self::Text),
        ("string", Self::Text),
        ("int", Self::Whole),
        ("integer", Self::Whole),
        ("float", Self::Number),
        ("number", Self::Number),
        ("bytes", Self::Bytes),
        ("bool", Self::Boolean),
        ("json", Self::Json),
    ];

    /// What is expected in place of an unknown name.
    pub(super) const EXPECTED: &'static str = "str, int, float, number, bytes, bool or json";

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find_map(|(known, conversion)| (known == name).then_some(conversion))
    }

    /// What `convert` makes a value of.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::Text | Self::Bytes => "a text",
            Self::Whole => "a whole number",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::Json => "JSON",
        }
    }

    /// The value by the rules of Python. None if it cannot be converted, or to nothing that JSON has.
    pub(super) fn convert(self, value: &Value) -> Option<Value> {
        match (self, value) {
            (Self::Text, _) | (Self::Bytes, Value::String(_)) | (Self::Boolean, Value::Bool(_)) => {
                Some(value.clone())
            }
            (Self::Whole, Value::String(text)) => whole(text),
            (Self::Whole | Self::Number, Value::Bool(flag)) => Self::Number.convert(&u8::from(*flag).into()),
            (Self::Whole, Value::Number(number)) if number.is_f64() => truncated(number.as_f64()?),
            (Self::Whole, Value::Number(_)) => Some(value.clone()),
            (Self::Number, Value::String(text)) => number(digits(text)?.parse().ok()?),
            (Self::Number, Value::Number(found)) => number(found.as_f64()?),
            // Theirs: any other text is true.
            (Self::Boolean, Value::String(text)) => {
                Some((!["false", "0", "no"].contains(&text.to_lowercase().as_str())).into())
            }
            (Self::Json, Value::String(text)) if !text.is_empty() => serde_json::from_str(text).ok(),
            (Self::Json, _) => Some(value.clone()),
            (Self::Bytes | Self::Boolean | Self::Whole | Self::Number, _) => None,
        }
    }
}

fn whole(text: &str) -> Option<Value> {
    let digits = digits(text)?;
    let unsigned = digits.parse::<u64>().ok().map(Value::from);
    unsigned.or_else(|| digits.parse::<i64>().ok().map(Value::from))
}

fn truncated(float: f64) -> Option<Value> {
    whole(&format!("{:.0}", float.trunc()))
}

fn number(float: f64) -> Option<Value> {
    Number::from_f64(float).map(Value::Number)
}

/// A number as Rust reads it. Python allows blanks around it, and underscores between two digits.
fn digits(text: &str) -> Option<String> {
    let text = text.trim();
    let letters: Vec<char> = text.chars().collect();
    let is_digit = |at: Option<usize>| at.and_then(|at| letters.get(at)).is_some_and(char::is_ascii_digit);
    let is_sound =
        |at: usize| letters[at] != '_' || (is_digit(at.checked_sub(1)) && is_digit(at.checked_add(1)));
    (0..letters.len()).all(is_sound).then(|| text.replace('_', ""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Each result was given by Chaos Toolkit's library 1.44.0 as well, which ends with an exception for null here.
    #[test]
    fn values_are_converted_as_there() {
        for (name, value, expected) in [
            ("str", json!("8080"), json!("8080")),
            ("string", json!(8080), json!(8080)),
            ("int", json!("8080"), json!(8080)),
            ("integer", json!(" -8_080\n"), json!(-8080)),
            ("int", json!("+5"), json!(5)),
            ("int", json!(5.9), json!(5)),
            ("int", json!(-5.9), json!(-5)),
            ("int", json!("5.0"), json!(null)),
            ("int", json!("5__0"), json!(null)),
            ("int", json!("_5"), json!(null)),
            ("int", json!(""), json!(null)),
            ("int", json!(null), json!(null)),
            ("int", json!([1]), json!(null)),
            ("float", json!("0.5"), json!(0.5)),
            ("number", json!("1e3"), json!(1000.0)),
            ("float", json!(5), json!(5.0)),
            ("float", json!("x"), json!(null)),
            ("bytes", json!("abc"), json!("abc")),
            ("bytes", json!(5), json!(null)),
            ("bool", json!("No"), json!(false)),
            ("bool", json!("0"), json!(false)),
            ("bool", json!("FALSE"), json!(false)),
            ("bool", json!("off"), json!(true)),
            ("bool", json!(""), json!(true)),
            ("bool", json!(false), json!(false)),
            ("bool", json!(0), json!(null)),
            ("json", json!("{\"a\": [1, null]}"), json!({ "a": [1, null] })),
            ("json", json!(""), json!("")),
            ("json", json!([1]), json!([1])),
            ("json", json!("{"), json!(null)),
        ] {
            let converted = Conversion::named(name).unwrap().convert(&value).unwrap_or_default();
            assert_eq!(converted, expected, "{name} of {value}");
        }
        // Python's numbers have no end; those of JSON here have.
        assert_eq!(Conversion::Whole.convert(&json!("99999999999999999999")), None);
        assert_eq!(Conversion::Number.convert(&json!("inf")), None);
        assert_eq!(Conversion::named("text"), None);
    }
}
