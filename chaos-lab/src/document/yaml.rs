use serde_json::{Map, Value};
use serde_saphyr::{DuplicateKeyPolicy, NonFiniteFloatPolicy, Options};

use super::json::Checked;

/// Reads YAML as PyYAML does, as far as experiments go: `yes` is a boolean and `y` a text, `0755` is an octal number,
/// and `<<` merges.
///
/// Unlike there, `1e3` and `0o755` are numbers, and dates and `1:30` are texts.
///
/// Unknown tags, keys that are there twice, and documents that grow beyond the parser's budget are refused.
///
/// # Errors
/// What is wrong, with line and column.
pub(super) fn yaml(text: &str) -> Result<Value, String> {
    let read = |has_strict_booleans| {
        serde_saphyr::from_str_with_options::<Checked>(text, options(has_strict_booleans))
            .map(|Checked(value)| value)
            .map_err(|error| error.to_string())
    };
    // The parser takes more for a boolean than PyYAML does, or only `true` and `false`.
    Ok(with_booleans_of(read(false)?, read(true)?))
}

/// The strict reading, with those texts as booleans that PyYAML takes for such and the loose reading as well. One in
/// quotes is a text in both.
fn with_booleans_of(loose: Value, strict: Value) -> Value {
    match (loose, strict) {
        (Value::Bool(boolean), Value::String(text)) if is_boolean(&text) => boolean.into(),
        (Value::Array(loose), Value::Array(strict)) => {
            loose.into_iter().zip(strict).map(|(loose, strict)| with_booleans_of(loose, strict)).collect()
        }
        (Value::Object(loose), Value::Object(strict)) => {
            let entries = loose.into_iter().zip(strict);
            let entry =
                |((loose, loose_value), (strict, strict_value)): ((String, Value), (String, Value))| {
                    let key = if is_boolean(&strict) { loose } else { strict };
                    (key, with_booleans_of(loose_value, strict_value))
                };
            entries.map(entry).collect::<Map<String, Value>>().into()
        }
        (_, strict) => strict,
    }
}

/// Whether PyYAML takes a text without quotes for a boolean.
fn is_boolean(text: &str) -> bool {
    ["yes", "no", "true", "false", "on", "off"].into_iter().any(|word| {
        text == word || text == word.to_uppercase() || text.eq_ignore_ascii_case(word) && is_title(text)
    })
}

fn is_title(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(char::is_uppercase) && letters.all(char::is_lowercase)
}

fn options(has_strict_booleans: bool) -> Options {
    let mut options = Options::default();
    options.strict_booleans = has_strict_booleans;
    options.duplicate_keys = DuplicateKeyPolicy::Error;
    options.legacy_octal_numbers = true;
    options.reject_unsupported_tags = true;
    options.non_finite_float_policy = NonFiniteFloatPolicy::Reject;
    // The source may hold secrets.
    options.with_snippet = false;
    options
}
