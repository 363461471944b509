//! What a tolerance of a document says, for a picture and for a person.

use serde_json::Value;

use super::text::{number, shown};

/// A tolerance as it stands in the document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tolerated<'a>(pub(super) &'a Value);

impl Tolerated<'_> {
    /// The bounds, if it tolerates one number or a range of them, and the numbers are in the document.
    pub(super) fn bounds(self) -> Option<(f64, f64)> {
        let bounds = match self.0 {
            Value::Number(_) => (number_of(self.0)?, number_of(self.0)?),
            Value::Array(items) => range(items)?,
            Value::Object(fields) if fields.get("type").is_some_and(|kind| kind == "range") => {
                range(fields.get("range")?.as_array()?)?
            }
            _ => return None,
        };
        Some(bounds)
    }

    /// The quantity in a value that it judges. The status of a process or of an answer is none: it is a code.
    pub(super) fn quantity(self, value: &Value) -> Option<f64> {
        match self.0 {
            Value::Number(_) | Value::Array(_) if value.get("status").is_some() => None,
            Value::Number(_) | Value::Array(_) => value.as_f64(),
            Value::Object(fields) if fields.get("type").is_some_and(|kind| kind == "range") => {
                let target = fields.get("target").and_then(Value::as_str);
                number_of(target.and_then(|target| value.get(target)).unwrap_or(value))
            }
            _ => None,
        }
    }

    /// Completes "expected ".
    pub(super) fn text(self) -> String {
        let field = |name: &str| self.0.get(name).map(|value| shown(&plain(value)));
        let kind = self.0.get("type").and_then(Value::as_str).unwrap_or_default();
        let text = match (self.0, kind) {
            (Value::Null, _) => "nothing in particular".to_owned(),
            (Value::Array(items), _) => match range(items) {
                Some((least, most)) => format!("from {} to {}", number(least), number(most)),
                None => format!("one of {}", shown(&self.0.to_string())),
            },
            (_, "range") => match self.bounds() {
                Some((least, most)) => format!("from {} to {}", number(least), number(most)),
                None => format!("in the range {}", field("range").unwrap_or_default()),
            },
            (_, "regex") => format!("a text with {}", field("pattern").unwrap_or_default()),
            (_, "jsonpath") => {
                let path = field("path").unwrap_or_default();
                match (field("expect"), field("count")) {
                    (Some(expected), _) => format!("{path} to find {expected}"),
                    (None, Some(count)) => format!("{path} to find {count} values"),
                    (None, None) => format!("{path} to find something"),
                }
            }
            (_, "probe") => format!("what the probe {} accepts", field("name").unwrap_or_default()),
            (other, _) => shown(&plain(other)),
        };
        match field("target") {
            Some(target) => format!("{text} in {target}"),
            None => text,
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn range(items: &[Value]) -> Option<(f64, f64)> {
    let [least, most] = items else { return None };
    let (least, most) = (number_of(least)?, number_of(most)?);
    (least <= most).then_some((least, most))
}

/// The number that a value is, or that a text says.
fn number_of(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tolerance_is_told_in_words() {
        for (tolerance, text) in [
            (json!(200), "200"),
            (json!(true), "true"),
            (json!("ok"), "ok"),
            (json!([200, 204, 301]), "one of [200,204,301]"),
            (
                json!({ "type": "range", "range": [0.2, 0.4], "target": "stdout" }),
                "from 0.2 to 0.4 in stdout",
            ),
            (json!({ "type": "regex", "pattern": "^ok$" }), "a text with ^ok$"),
            (json!({ "type": "jsonpath", "path": "$.a", "expect": [1] }), "$.a to find [1]"),
            (json!({ "type": "jsonpath", "path": "$.a" }), "$.a to find something"),
            (json!({ "type": "probe", "name": "judge" }), "what the probe judge accepts"),
        ] {
            assert_eq!(Tolerated(&tolerance).text(), text);
        }
    }

    #[test]
    fn only_a_quantity_is_plotted() {
        let range = json!({ "type": "range", "range": ["0", 25], "target": "stdout" });
        let read = json!({ "status": 0, "stdout": " 7\n" });
        assert_eq!(Tolerated(&range).bounds(), Some((0.0, 25.0)));
        assert_eq!(Tolerated(&range).quantity(&read), Some(7.0));
        assert_eq!(Tolerated(&json!(0)).quantity(&read), None);
        assert_eq!(Tolerated(&json!(3)).quantity(&json!(4)), Some(4.0));
        let named = json!({ "type": "range", "range": ["${least}", 25] });
        assert_eq!(Tolerated(&named).bounds(), None);
        assert_eq!(Tolerated(&range).quantity(&json!("inf")), None);
    }
}
