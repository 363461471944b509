use chaos_core::text::nearest;

/// What is expected, and the one of `names` that `text` is most likely a misspelling of.
pub(crate) fn or_nearest<'a>(expected: &str, text: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(text, names) {
        Some(name) => format!("{expected}; did you mean {name:?}?"),
        None => expected.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected_names_the_nearest() {
        let names = ["method", "env"];
        assert_eq!(or_nearest("a name", "envv", names), "a name; did you mean \"env\"?");
        assert_eq!(or_nearest("a name", "rollbacks", names), "a name");
    }
}
