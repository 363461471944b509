use serde_json::Value;

/// A tolerance once it is read.
#[derive(Clone, Debug)]
pub(super) enum Rule {
    /// This boolean or whole number, or the value that this text stands for.
    Is(Value),
    /// The bounds of a range, or the values that are normal.
    List(Vec<Value>),
    Range {
        least: Value,
        most: Value,
        target: Option<String>,
    },
    Regex {
        pattern: String,
        target: Option<String>,
    },
    JsonPath {
        path: String,
        target: Option<String>,
        expected: Expected,
    },
}

/// What a path should find.
#[derive(Clone, Debug)]
pub(super) enum Expected {
    /// Anything.
    Something,
    /// So many values.
    Count(Value),
    /// Just this value, or just these.
    Exactly(Value),
}
