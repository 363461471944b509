use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, NonFiniteFloatPolicy, Options};

use super::json::Checked;

/// Reads YAML as PyYAML does, as far as experiments go: `yes` is a boolean, `0755` is an octal number, and `<<` merges.
///
/// Unlike there, `y` and `n` are booleans, `1e3` and `0o755` are numbers, and dates and `1:30` are texts.
///
/// Unknown tags, keys that are there twice, and documents that grow beyond the parser's budget are refused.
///
/// # Errors
/// What is wrong, with line and column.
pub(super) fn yaml(text: &str) -> Result<Value, String> {
    serde_saphyr::from_str_with_options::<Checked>(text, options())
        .map(|Checked(value)| value)
        .map_err(|error| error.to_string())
}

fn options() -> Options {
    let mut options = Options::default();
    options.duplicate_keys = DuplicateKeyPolicy::Error;
    options.legacy_octal_numbers = true;
    options.reject_unsupported_tags = true;
    options.non_finite_float_policy = NonFiniteFloatPolicy::Reject;
    // The source may hold secrets.
    options.with_snippet = false;
    options
}
