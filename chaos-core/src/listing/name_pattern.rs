use crate::error::{Error, Result};

/// A pattern for names: `*` stands for any characters, and `?` for one.
///
/// ```
/// use chaos_core::listing::NamePattern;
///
/// assert!(NamePattern::new("web-*".to_owned())?.matches("web-blue"));
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern(String);

impl NamePattern {
    /// Makes a pattern of any text except the empty one.
    ///
    /// # Errors
    /// `InvalidInput` for an empty text.
    pub fn new(text: String) -> Result<Self> {
        let pattern = Self(text);
        pattern.check()?;
        Ok(pattern)
    }

    /// For a value that is checked later.
    pub(super) fn unchecked(text: String) -> Self {
        Self(text)
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.0.is_empty() {
            return Err(Error::invalid("name pattern", "\"\"", "a name, in which * and ? are wildcards"));
        }
        Ok(())
    }

    /// The pattern, as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `name` matches. Linear in the length of the name for each wildcard, with any contents.
    pub fn matches(&self, name: &str) -> bool {
        let pattern: Vec<char> = self.0.chars().collect();
        let name: Vec<char> = name.chars().collect();
        let (mut at, mut of) = (0, 0);
        // Where to continue if the part after the last `*` does not match: the `*` takes one more character.
        let mut star: Option<(usize, usize)> = None;
        while at < name.len() {
            match pattern.get(of) {
                Some('*') => {
                    star = Some((of + 1, at));
                    of += 1;
                }
                Some(&wanted) if wanted == '?' || wanted == name[at] => {
                    of += 1;
                    at += 1;
                }
                _ => {
                    let Some((after, taken)) = star else { return false };
                    star = Some((after, taken + 1));
                    (of, at) = (after, taken + 1);
                }
            }
        }
        pattern[of..].iter().all(|&left| left == '*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_what_they_should() {
        for (pattern, name, expected) in [
            ("web", "web", true),
            ("web", "web2", false),
            ("web-*", "web-", true),
            ("web-*", "web-a-b", true),
            ("*-web", "a-web-b-web", true),
            ("*-web", "a-web-b", false),
            ("w?b", "wéb", true),
            ("w?b", "wb", false),
            ("*", "anything/at all", true),
            ("a*b*c", "aXXbYYbZc", true),
            ("a*b*c", "aXXcYYb", false),
            ("[a]", "a", false),
        ] {
            let is_match = NamePattern::new(pattern.into()).unwrap().matches(name);
            assert_eq!(is_match, expected, "{pattern} {name}");
        }
        assert!(NamePattern::new(String::new()).is_err());
        let hostile = NamePattern::new("*a".repeat(40)).unwrap();
        assert!(!hostile.matches(&"b".repeat(4000)));
    }
}
