use std::fmt;

/// Parts of secrets that are shorter are too common to look for.
const SHORTEST: usize = 4;

/// What must never be told.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    /// These, if they are long enough to be told from other words.
    pub(crate) fn of(secrets: impl IntoIterator<Item = String>) -> Self {
        Self(secrets.into_iter().filter(|secret| secret.len() >= SHORTEST).collect())
    }

    /// A foreign text, unless one of them is in it.
    pub(crate) fn withheld<'a>(&self, text: &'a str) -> &'a str {
        if self.0.iter().any(|secret| text.contains(secret)) { "not shown: it holds a secret" } else { text }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}
