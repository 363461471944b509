//! What Chaos Toolkit's files mean by Python's rules: equality, order, and the text of a value.

use std::cmp::Ordering;

use serde_json::{Number, Value};

/// Whether two values are equal: numbers by their value, and `true` is 1.
pub(crate) fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| equal(value, other)))
        }
        _ => match (number(one), number(other)) {
            (Some(one), Some(other)) => compare_numbers(&one, &other) == Some(Ordering::Equal),
            _ => one == other,
        },
    }
}

/// The order of two numbers or two texts. `None` for what has no order.
pub(crate) fn compare(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        _ => compare_numbers(&number(one)?, &number(other)?),
    }
}

/// The text that Python's `str` makes of a value.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        _ => representation(value),
    }
}

fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Bool(value) => Some(u8::from(*value).into()),
        Value::Number(number) => Some(number.clone()),
        _ => None,
    }
}

fn compare_numbers(one: &Number, other: &Number) -> Option<Ordering> {
    if let (Some(one), Some(other)) = (whole(one), whole(other)) {
        return Some(one.cmp(&other));
    }
    one.as_f64()?.partial_cmp(&other.as_f64()?)
}

fn whole(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

/// Python's `repr`.
fn representation(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => float_text(float),
            _ => number.to_string(),
        },
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(representation).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(key, value)| format!("{}: {}", quoted(key), representation(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

/// The shortest digits that read back as the same number, with an exponent where Python writes one.
fn float_text(float: f64) -> String {
    let scientific = format!("{float:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(exponent) if (-4..16).contains(&exponent) => {
            let plain = format!("{float}");
            if plain.contains('.') { plain } else { format!("{plain}.0") }
        }
        Ok(exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
        }
        Err(_) => scientific,
    }
}

fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut quoted = String::from(quote);
    for letter in text.chars() {
        match letter {
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            letter if letter == quote => quoted.extend(['\\', quote]),
            letter if letter.is_control() => quoted.push_str(&format!("\\x{:02x}", u32::from(letter))),
            letter => quoted.push(letter),
        }
    }
    quoted.push(quote);
    quoted
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Each text was printed by Python 3.11.
    #[test]
    fn texts_are_those_of_python() {
        for (value, expected) in [
            (json!("a'b"), "a'b"),
            (json!(null), "None"),
            (json!(true), "True"),
            (json!(7), "7"),
            (json!(1.0), "1.0"),
            (json!(0.1), "0.1"),
            (json!(1e15), "1000000000000000.0"),
            (json!(1e16), "1e+16"),
            (json!(1.5e-5), "1.5e-05"),
            (json!(0.0001), "0.0001"),
            (json!(-0.0), "-0.0"),
            (json!([1, "a", null, ["b'"]]), "[1, 'a', None, [\"b'\"]]"),
            (json!({ "a": { "b": "c\n\"'" } }), r#"{'a': {'b': 'c\n"\''}}"#),
        ] {
            assert_eq!(text(&value), expected);
        }
    }

    #[test]
    fn equality_is_that_of_python() {
        for (one, other, is_equal) in [
            (json!(true), json!(1), true),
            (json!(false), json!(0.0), true),
            (json!(200), json!(200.0), true),
            (json!("200"), json!(200), false),
            (json!(null), json!(false), false),
            (json!([1, true]), json!([1.0, 1]), true),
            (json!({ "a": 1 }), json!({ "a": true }), true),
            (json!({ "a": 1 }), json!({ "a": 1, "b": 2 }), false),
        ] {
            assert_eq!(equal(&one, &other), is_equal, "{one} {other}");
        }
    }
}
