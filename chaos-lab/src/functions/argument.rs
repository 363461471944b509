use serde_json::{Map, Value};

/// An argument in the signature of a function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Argument {
    pub(crate) name: &'static str,
    pub(super) kind: Kind,
    pub(super) is_required: bool,
}

/// What an argument may be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    /// A query of Azure's Resource Graph.
    Query,
    /// A list of texts, with at least one.
    Texts,
    /// A list of mappings with `Key` and `Value`, with at least one.
    Tags,
    /// A mapping of texts, or a text such as `a=1,b=2`.
    TagMap,
    /// A list of mappings with `Name` and `Values`, with at least one.
    Filters,
    /// A list of mappings with `Name` and `Value`, with at least one.
    Dimensions,
    /// A list of mappings with `name`, `instance_id` or both, with at least one.
    Criteria,
    /// A whole number above zero.
    Count,
    /// A whole number.
    Whole,
    /// A number above 0 and of at most 100.
    Percent,
    /// A number of seconds above zero.
    Seconds,
    Flag,
    /// Only `false`, because of this.
    NeverTrue(&'static str),
    OneOf(&'static [&'static str]),
}

/// What several arguments must be together.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// Exactly one of them is given.
    One(&'static [&'static str]),
    /// At least one of them is given.
    Some(&'static [&'static str]),
    /// Not both are given.
    NotBoth(&'static str, &'static str),
    /// Either both are given, or none.
    Together(&'static str, &'static str),
}

/// What is wrong with an argument.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Misfit {
    /// The argument. Empty for all of them.
    pub(crate) name: String,
    /// What stands there. None: it is missing.
    pub(crate) value: Option<Value>,
    pub(crate) expected: String,
}

impl Argument {
    pub(super) const fn optional(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, is_required: false }
    }

    pub(super) const fn required(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, is_required: true }
    }

    pub(super) fn check(&self, arguments: &Map<String, Value>) -> Option<Misfit> {
        let misfit = |value: Option<&Value>| {
            Some(Misfit { name: self.name.to_owned(), value: value.cloned(), expected: self.kind.expected() })
        };
        match arguments.get(self.name) {
            None | Some(Value::Null) => self.is_required.then(|| misfit(None)).flatten(),
            Some(value) if is_open(value) || self.kind.allows(value) => None,
            Some(value) => misfit(Some(value)),
        }
    }
}

impl Kind {
    fn allows(self, value: &Value) -> bool {
        let each = |is_right: &dyn Fn(&Value) -> bool| {
            value.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(is_right))
        };
        let pair = |item: &Value, other: &str, name: &str| is_text(&item[name]) && item[other].is_string();
        match self {
            Self::Text | Self::Query => is_text(value),
            Self::Texts => each(&is_text),
            Self::Tags => each(&|item| pair(item, "Value", "Key")),
            Self::Dimensions => each(&|item| pair(item, "Value", "Name")),
            Self::TagMap => match value {
                Value::Object(map) => !map.is_empty() && map.values().all(Value::is_string),
                Value::String(text) => {
                    !text.is_empty() && text.split(',').all(|part| part.split_once('=').is_some())
                }
                _ => false,
            },
            Self::Filters => each(&|item| {
                let values = item["Values"].as_array();
                is_text(&item["Name"])
                    && values.is_some_and(|values| !values.is_empty() && values.iter().all(Value::is_string))
            }),
            Self::Criteria => each(&|item| {
                let is_known = |key: &String| matches!(key.as_str(), "name" | "instance_id");
                item.as_object().is_some_and(|map| !map.is_empty() && map.keys().all(is_known))
            }),
            Self::Count => value.as_u64().is_some_and(|count| count > 0),
            Self::Whole => value.is_i64() || value.is_u64(),
            Self::Percent => number(value).is_some_and(|percent| percent > 0.0 && percent <= 100.0),
            Self::Seconds => value.as_f64().is_some_and(|seconds| seconds > 0.0),
            Self::Flag => value.is_boolean(),
            Self::NeverTrue(_) => *value == Value::Bool(false),
            Self::OneOf(names) => value.as_str().is_some_and(|text| names.contains(&text)),
        }
    }

    fn expected(self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::Query => {
                "a query such as \"where resourceGroup=='shop'\": without one, it would be the whole \
                subscription"
                    .to_owned()
            }
            Self::Texts => "a list of texts, with at least one".to_owned(),
            Self::Tags => "a list of tags, each a mapping with Key and Value".to_owned(),
            Self::TagMap => {
                "a mapping of names to texts, or a text such as \"team=shop,env=test\"".to_owned()
            }
            Self::Filters => "a list of filters, each a mapping with Name and a list of Values".to_owned(),
            Self::Dimensions => "a list of dimensions, each a mapping with Name and Value".to_owned(),
            Self::Criteria => {
                "a list of mappings with name or instance_id: nothing else is looked at here".to_owned()
            }
            Self::Count => "a whole number above 0".to_owned(),
            Self::Whole => "a whole number".to_owned(),
            Self::Percent => "a number above 0 and of at most 100".to_owned(),
            Self::Seconds => "a number of seconds above 0".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::NeverTrue(why) => format!("false: {why}"),
            Self::OneOf(names) => format!("one of {}", names.join(", ")),
        }
    }
}

impl Rule {
    pub(super) fn check(self, arguments: &Map<String, Value>) -> Option<Misfit> {
        let given = |name: &&&str| arguments.get(**name).is_some_and(is_given);
        let count = |names: &'static [&'static str]| names.iter().filter(given).count();
        let expected = match self {
            Self::One(names) if count(names) != 1 => format!("exactly one of {}", names.join(", ")),
            Self::Some(names) if count(names) == 0 => format!("at least one of {}", names.join(", ")),
            Self::NotBoth(one, other) if given(&&one) && given(&&other) => {
                format!("either {one} or {other}, not both")
            }
            Self::Together(one, other) if given(&&one) != given(&&other) => {
                format!("{one} and {other} together")
            }
            _ => return None,
        };
        Some(Misfit { name: String::new(), value: None, expected })
    }
}

/// Whether Python would take it for something.
fn is_given(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

/// Whether it holds a name whose value is known only later.
pub(super) fn is_open(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("${"),
        Value::Array(items) => items.iter().any(is_open),
        Value::Object(fields) => fields.values().any(is_open),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}

/// A number, or the text of one.
pub(super) fn number(value: &Value) -> Option<f64> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    number.filter(|number| number.is_finite())
}
