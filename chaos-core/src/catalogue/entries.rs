use crate::{
    error::{Error, Result},
    text::nearest,
};

/// Entries by name, in the order of registration, as in every catalogue.
#[derive(Clone)]
pub(super) struct Entries<E>(Vec<(String, E)>);

impl<E> Default for Entries<E> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<E> Entries<E> {
    /// Adds `entry`, in place of one with the same name.
    pub(super) fn insert(&mut self, name: &str, entry: E) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = entry,
            None => self.0.push((name.to_owned(), entry)),
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (name, entry) in other.0 {
            self.insert(&name, entry);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &E> {
        self.0.iter().map(|(_, entry)| entry)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// # Errors
    /// `InvalidInput` for a name that is not known, called `field`, with the nearest one or with all.
    pub(super) fn get(&self, name: &str, field: &str) -> Result<&E> {
        if let Some((_, entry)) = self.0.iter().find(|(known, _)| known == name) {
            return Ok(entry);
        }
        let expected = match nearest(name, self.names()) {
            Some(near) => near.to_owned(),
            None => format!("one of: {}", self.names().collect::<Vec<_>>().join(", ")),
        };
        let name: String = name.chars().take(80).collect();
        Err(Error::invalid(field, format!("{name:?}"), expected))
    }
}
