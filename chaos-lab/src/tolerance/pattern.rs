use fancy_regex::Regex;

/// A regular expression by the rules of Python.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    regex: Regex,
    source: String,
}

impl Pattern {
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(source: &str) -> Result<Self, String> {
        let regex = Regex::new(&translated(source)).map_err(|error| error.to_string())?;
        Ok(Self { regex, source: source.to_owned() })
    }

    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// Whether it is found anywhere in `text`.
    ///
    /// # Errors
    /// If the search was given up because it takes too many steps.
    pub(super) fn is_found_in(&self, text: &str) -> Result<bool, String> {
        self.regex.is_match(text).map_err(|error| error.to_string())
    }
}

/// The pattern for a machine whose `$` matches at the very end alone. Python's also matches before a last line end,
/// which is `\Z` there, and Python's `\Z` is the very end, which is `\z` there.
fn translated(source: &str) -> String {
    // With the flag `m`, `$` is the end of a line in both.
    let is_by_line = flags(source).contains('m');
    let mut result = String::new();
    let mut letters = source.chars().peekable();
    let mut in_class = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('Z') if !in_class => result.push_str("\\z"),
                Some(escaped) => result.extend(['\\', escaped]),
                None => result.push('\\'),
            },
            '[' if !in_class => {
                in_class = true;
                result.push('[');
                // A bracket that comes first is a member.
                for first in ['^', ']'] {
                    if letters.peek() == Some(&first) {
                        letters.next();
                        result.push_str(if first == ']' { "\\]" } else { "^" });
                    }
                }
            }
            // Python has no classes within classes.
            '[' => result.push_str("\\["),
            ']' => {
                in_class = false;
                result.push(']');
            }
            '$' if !in_class && !is_by_line => result.push_str("(?=\\n?\\z)"),
            letter => result.push(letter),
        }
    }
    result
}

/// The flags at the beginning of a pattern, such as `im` of `(?im)`.
fn flags(source: &str) -> &str {
    let inside = source.strip_prefix("(?").unwrap_or_default();
    let length = inside.bytes().take_while(u8::is_ascii_alphabetic).count();
    if inside[length..].starts_with(')') { &inside[..length] } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each result was given by Python 3.11 as well.
    #[test]
    fn patterns_mean_what_python_means() {
        for (pattern, text, is_found) in [
            ("^ok$", "ok\n", true),
            ("^ok$", "ok\n\n", false),
            (r"^ok\Z", "ok\n", false),
            (r"^ok\Z", "ok", true),
            ("(?m)^ok$", "no\nok\nno", true),
            ("(?i)OK", "ok", true),
            (r"(?P<day>\d+)-(?P=day)", "a 12-12", true),
            (r"(?<=a)b(?!c)", "abs", true),
            (r"(?<=a)b(?!c)", "abc", false),
            (r"[$]\$", "$$", true),
            ("[]a]+$", "]a", true),
            ("[^]]", "]", false),
            ("[[]", "[", true),
            (r"\d", "٣", true),
            ("a|b$", "b\n", true),
        ] {
            let found = Pattern::parse(pattern)
                .unwrap_or_else(|wrong| panic!("{pattern}: {wrong}"))
                .is_found_in(text);
            assert_eq!(found, Ok(is_found), "{pattern} in {text:?}");
        }
        assert!(Pattern::parse("(a").is_err());
    }

    #[test]
    fn a_search_without_end_is_given_up() {
        let catastrophe = Pattern::parse(r"^(?>a)*(a|b|ab)*(?=c)$").unwrap();
        assert!(catastrophe.is_found_in(&"ab".repeat(64)).is_err());
    }
}
