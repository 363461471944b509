use serde_json::{Map, Value};

use super::{
    decimal::Decimal,
    json_path::JsonPath,
    pattern::Pattern,
    rule::{Expected, Rule},
};
use crate::document::Problem;

const ANY: &str =
    "a boolean, a whole number, a text, a list, or an object of the type regex, jsonpath or range";

/// Reads the tolerance at `path` in a document. Every problem with it is added to `problems`.
pub(super) fn read(data: &Value, path: &str, problems: &mut Vec<Problem>) -> Option<Rule> {
    match data {
        Value::Number(number) if number.is_f64() => {
            problems.push(Problem::at(path, data, format!("{ANY}; for a number with a fraction a range")));
            None
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Some(Rule::Is(data.clone())),
        Value::Array(items) if items.is_empty() => {
            problems.push(Problem::at(path, data, "a list with at least one value"));
            None
        }
        Value::Array(items) => Some(Rule::List(items.clone())),
        Value::Object(fields) => {
            let before = problems.len();
            let read = object(fields, path, problems);
            (problems.len() == before).then_some(read).flatten()
        }
        Value::Null => {
            problems.push(Problem::at(path, data, ANY));
            None
        }
    }
}

fn object(fields: &Map<String, Value>, path: &str, problems: &mut Vec<Problem>) -> Option<Rule> {
    let at = |field: &str| format!("{path}.{field}");
    let target = match fields.get("target") {
        None | Some(Value::Null) => None,
        Some(Value::String(target)) => Some(target.clone()),
        Some(other) => {
            problems.push(Problem::at(at("target"), other, "the name of a field"));
            None
        }
    };
    match fields.get("type").and_then(Value::as_str) {
        Some("regex") => {
            let pattern = text("pattern", "a regular expression", fields, path, problems)?;
            // A name may stand for a part of it.
            if !pattern.contains("${")
                && let Err(wrong) = Pattern::parse(pattern)
            {
                problems.push(Problem::new(at("pattern"), wrong, "a regular expression"));
            }
            Some(Rule::Regex { pattern: pattern.to_owned(), target })
        }
        Some("jsonpath") => {
            let source = text("path", "a path such as $.status", fields, path, problems)?;
            if !source.contains("${")
                && let Err(wrong) = JsonPath::parse(source)
            {
                problems.push(Problem::new(at("path"), wrong, "a path such as $.status"));
            }
            let expected = match (fields.get("expect"), fields.get("count")) {
                (Some(expected), _) => Expected::Exactly(expected.clone()),
                (None, None | Some(Value::Null)) => Expected::Something,
                (None, Some(count)) => {
                    if count.as_u64().is_none() {
                        problems.push(Problem::at(at("count"), count, "a whole number"));
                    }
                    Expected::Count(count.clone())
                }
            };
            Some(Rule::JsonPath { path: source.to_owned(), target, expected })
        }
        Some("range") => {
            let bounds = fields.get("range").and_then(Value::as_array).map(Vec::as_slice);
            match bounds {
                Some([least @ Value::Number(_), most @ Value::Number(_)]) => {
                    if Decimal::of(least) > Decimal::of(most) {
                        let expected = "the lesser number before the greater";
                        problems.push(Problem::at(at("range"), &fields["range"], expected));
                    }
                    Some(Rule::Range { least: least.clone(), most: most.clone(), target })
                }
                _ => {
                    let found = fields.get("range").unwrap_or(&Value::Null);
                    problems.push(Problem::at(at("range"), found, "a list of two numbers"));
                    None
                }
            }
        }
        _ => {
            let found = fields.get("type").unwrap_or(&Value::Null);
            problems.push(Problem::at(at("type"), found, "regex, jsonpath or range"));
            None
        }
    }
}

fn text<'a>(
    field: &str,
    expected: &str,
    fields: &'a Map<String, Value>,
    path: &str,
    problems: &mut Vec<Problem>,
) -> Option<&'a str> {
    let found = fields.get(field).unwrap_or(&Value::Null);
    let text = found.as_str();
    if text.is_none() {
        problems.push(Problem::at(format!("{path}.{field}"), found, expected));
    }
    text
}
