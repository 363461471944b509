use serde_json::{Value, json};
use serde_json_path::JsonPath as Standard;

/// A path into JSON: by RFC 9535, or in the dialect that Chaos Toolkit reads.
///
/// The dialect differs in its filters: they have one `=` and the words `and`, `or` and `not`, and they ask the node
/// before them, not its children. A filter with `==`, `&&`, `||` or a text in single quotes, all of which the dialect
/// refuses, is by the standard.
#[derive(Clone, Debug)]
pub(super) struct JsonPath {
    steps: Vec<Step>,
    source: String,
}

#[derive(Clone, Debug)]
enum Step {
    /// The nodes that it finds below each node.
    Into(Standard),
    /// Keeps each node that it finds in a list of just that node.
    Keep(Standard),
}

impl JsonPath {
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(source: &str) -> Result<Self, String> {
        let steps = match Dialect::split(source) {
            Some(dialect) => dialect.steps()?,
            None => vec![Step::Into(standard(source)?)],
        };
        Ok(Self { steps, source: source.to_owned() })
    }

    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// The values that it finds, in the order of the document.
    pub(super) fn values(&self, document: &Value) -> Vec<Value> {
        let mut nodes = vec![document];
        for step in &self.steps {
            match step {
                Step::Into(path) => {
                    nodes = nodes.into_iter().flat_map(|node| path.query(node).all()).collect()
                }
                Step::Keep(path) => nodes.retain(|node| !path.query(&json!([node])).is_empty()),
            }
        }
        nodes.into_iter().cloned().collect()
    }
}

/// A path in the dialect: filters, each with what stands before it, and what stands after the last.
struct Dialect<'a> {
    filters: Vec<(&'a str, &'a str)>,
    last: &'a str,
}

impl<'a> Dialect<'a> {
    /// `None` for a path without a filter, and for one by the standard.
    fn split(source: &'a str) -> Option<Self> {
        let mut filters = Vec::new();
        let mut rest = source.strip_prefix('$')?;
        while let Some(begin) =
            outside_of_texts(rest).find(|&(at, _)| rest[at..].starts_with("[?")).map(|(at, _)| at)
        {
            let end = begin + closing_bracket(&rest[begin..])?;
            filters.push((&rest[..begin], &rest[begin + 2..end]));
            rest = &rest[end + 1..];
        }
        let is_standard = |filter: &str| {
            outside_of_texts(filter).any(|(at, letter)| {
                letter == '\'' || ["==", "&&", "||"].iter().any(|word| filter[at..].starts_with(word))
            })
        };
        let is_dialect = !filters.is_empty() && !filters.iter().any(|(_, filter)| is_standard(filter));
        is_dialect.then_some(Self { filters, last: rest })
    }

    fn steps(self) -> Result<Vec<Step>, String> {
        let mut steps = Vec::new();
        for (before, filter) in self.filters {
            steps.extend(into(before)?);
            steps.push(Step::Keep(standard(&format!("$[?{}]", in_standard_words(filter)))?));
        }
        steps.extend(into(self.last)?);
        Ok(steps)
    }
}

fn into(path: &str) -> Result<Option<Step>, String> {
    if path.is_empty() { Ok(None) } else { standard(&format!("${path}")).map(|path| Some(Step::Into(path))) }
}

fn standard(path: &str) -> Result<Standard, String> {
    Standard::parse(path).map_err(|error| error.to_string())
}

/// A filter with the operators of the standard.
fn in_standard_words(filter: &str) -> String {
    let mut result = String::new();
    let mut copied = 0;
    for (at, letter) in outside_of_texts(filter) {
        if at < copied {
            continue;
        }
        let before = filter[..at].chars().next_back();
        let is_part = |letter: Option<char>| {
            letter.is_some_and(|letter| letter.is_alphanumeric() || ['_', '.', '@'].contains(&letter))
        };
        let replaced = match letter {
            '=' if !matches!(before, Some('!' | '<' | '>')) => Some(("=", "==")),
            _ if is_part(before) => None,
            _ => [("and", "&&"), ("or", "||"), ("not", "!")].into_iter().find(|(word, _)| {
                filter[at..].strip_prefix(word).is_some_and(|after| !is_part(after.chars().next()))
            }),
        };
        if let Some((word, operator)) = replaced {
            result.push_str(&filter[copied..at]);
            result.push_str(operator);
            copied = at + word.len();
        }
    }
    result + &filter[copied..]
}

/// The end of the bracket that `text` begins with.
fn closing_bracket(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, letter) in outside_of_texts(text) {
        match letter {
            '[' => depth += 1,
            ']' if depth == 1 => return Some(at),
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// The letters that are not within a text in quotes. Of such a text, the quote that opens it counts.
fn outside_of_texts(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut within: Option<char> = None;
    let mut is_escaped = false;
    text.char_indices().filter(move |(_, letter)| match within {
        Some(_) if is_escaped => {
            is_escaped = false;
            false
        }
        Some(_) if *letter == '\\' => {
            is_escaped = true;
            false
        }
        Some(quote) => {
            if *letter == quote {
                within = None;
            }
            false
        }
        None => {
            if ['"', '\''].contains(letter) {
                within = Some(*letter);
            }
            true
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(path: &str) -> Value {
        let document = json!({
            "web": { "up": true, "load": 2, "name": "a=b and c", "zones": [{ "id": 1 }, { "id": 2 }] },
            "db": { "load": 1, "tags": ["x", "y"] },
        });
        JsonPath::parse(path).unwrap_or_else(|wrong| panic!("{path}: {wrong}")).values(&document).into()
    }

    /// Each result was given by jsonpath2 0.4.5 as well.
    #[test]
    fn a_filter_of_the_dialect_asks_the_node_before_it() {
        for (path, expected) in [
            ("$.web.load", json!([2])),
            ("$.*.load", json!([2, 1])),
            ("$..id", json!([1, 2])),
            ("$.web.zones[0].id", json!([1])),
            ("$.nothing", json!([])),
            ("$.web[?(@.up)].load", json!([2])),
            ("$.web[?(@.down)]", json!([])),
            ("$.*[?(@.load > 1)].load", json!([2])),
            ("$.*[?(@.load = 1)].tags", json!([["x", "y"]])),
            ("$.*[?(@.load = 1 or @.up)].load", json!([2, 1])),
            ("$.*[?(@.load = 2 and @.up = true)].load", json!([2])),
            ("$.*[?(not @.up)].load", json!([1])),
            ("$.*[?(@.load != 2)].load", json!([1])),
            ("$.*[?(@.name = \"a=b and c\")].load", json!([2])),
            ("$.web.zones.*[?(@.id >= 2)].id", json!([2])),
            ("$.web.zones[?(@.id > 1)]", json!([])),
            ("$.*[?(@.load = 2)].zones.*[?(@.id = 1)]", json!([{ "id": 1 }])),
        ] {
            assert_eq!(found(path), expected, "{path}");
        }
    }

    #[test]
    fn a_filter_of_the_standard_asks_the_children() {
        for (path, expected) in [
            ("$[?@.load == 1].tags", json!([["x", "y"]])),
            ("$.web.zones[?(@.id == 2)]", json!([{ "id": 2 }])),
            ("$[?(@.name == 'a=b and c')].load", json!([2])),
            ("$[?@.up && @.load == 2].load", json!([2])),
        ] {
            assert_eq!(found(path), expected, "{path}");
        }
        for wrong in ["", "web", "$.", "$.web[?(@.up)", "$[?(@.a = )]", "$.a[?(@.b === 1)]"] {
            assert!(JsonPath::parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\$?[.a-z\\[\\]?()@=\"'\\\\!<>&|*0-9é ]{0,30}") {
            if let Ok(path) = JsonPath::parse(&text) {
                drop(path.values(&json!({ "a": [1, { "b": "c" }] })));
            }
        }
    }
}
