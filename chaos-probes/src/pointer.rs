use chaos_core::{Error, Result};
use serde_json::Value;

use crate::trouble::Trouble;

/// Refuses what is no JSON pointer by RFC 6901.
pub(crate) fn check(pointer: &str) -> Result<()> {
    let is_rooted = pointer.is_empty() || pointer.starts_with('/');
    let is_escaped = pointer.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
    if is_rooted && is_escaped {
        return Ok(());
    }
    let expected = "a JSON pointer by RFC 6901, such as /status or /checks/0/state, with ~ written as ~0 and a slash \
        within a name as ~1";
    Err(Error::invalid("json", format!("{pointer:?}"), expected))
}

/// The value that a pointer points at in a text.
pub(crate) fn value_at(pointer: &str, json: &[u8]) -> Result<Value, Trouble> {
    // The parser refuses more than 127 levels, so no depth overflows the stack.
    let mut document: Value = serde_json::from_slice(json)
        .map_err(|error| Trouble::NoAnswer(format!("the answer is not JSON that can be read: {error}")))?;
    let found = document.pointer_mut(pointer).map(Value::take);
    found.ok_or_else(|| Trouble::NoAnswer(format!("the answer has no {pointer}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_6901_are_followed() {
        let document = br#"{"foo": ["bar", "baz"], "": 0, "a/b": 1, "m~n": 8, " ": 7}"#;
        for (pointer, value) in
            [("/foo/0", "\"bar\""), ("/", "0"), ("/a~1b", "1"), ("/m~0n", "8"), ("/ ", "7")]
        {
            check(pointer).unwrap();
            assert_eq!(value_at(pointer, document).unwrap().to_string(), value, "{pointer}");
        }
        assert!(value_at("", document).unwrap().is_object());
        for missing in ["/foo/2", "/foo/-", "/foo/01", "/nothing"] {
            check(missing).unwrap();
            assert!(matches!(value_at(missing, document), Err(Trouble::NoAnswer(_))), "{missing}");
        }
    }

    #[test]
    fn what_is_no_pointer_is_refused() {
        for wrong in ["status", "$.status", "/a~", "/a~2b"] {
            assert!(check(wrong).unwrap_err().to_string().contains("a JSON pointer"), "{wrong}");
        }
    }

    #[test]
    fn depth_and_bytes_that_are_no_text_are_no_answer() {
        let deep = "[".repeat(10_000) + &"]".repeat(10_000);
        for json in [deep.as_bytes(), b"", b"\xff\xfe", b"{\"a\": \"\xff\"}", b"{} {}"] {
            assert!(matches!(value_at("/a", json), Err(Trouble::NoAnswer(_))));
        }
    }
}
