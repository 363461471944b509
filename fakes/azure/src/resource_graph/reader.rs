//! Reads the words of a query from left to right.

use serde_json::{Value, json};

use super::words::{Word, words};

/// The word that the fake, or Kusto's language, does not understand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Invalid(pub(super) String);

impl Invalid {
    pub(super) fn at(word: &str) -> Self {
        Self(word.to_owned())
    }
}

/// Reads the words of a query from left to right.
#[derive(Debug)]
pub(super) struct Reader {
    words: Vec<Word>,
    at: usize,
    /// The columns that the rows have at this place of the query.
    pub(super) columns: Vec<String>,
}

impl Reader {
    pub(super) fn new(text: &str, columns: Vec<String>) -> Result<Self, Invalid> {
        Ok(Self { words: words(text).map_err(Invalid)?, at: 0, columns })
    }

    /// A name that the query gives to a column, with the `=` after it.
    pub(super) fn take_new_name(&mut self) -> Option<String> {
        match (self.peek(0), self.peek(1)) {
            (Some(Word::Name(name)), Some(Word::Sign("="))) => {
                let name = name.clone();
                self.at += 2;
                Some(name)
            }
            _ => None,
        }
    }

    fn peek(&self, ahead: usize) -> Option<&Word> {
        self.words.get(self.at + ahead)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.peek(0).is_none()
    }

    pub(super) fn next(&mut self) -> Result<Word, Invalid> {
        let word = self.peek(0).cloned().ok_or_else(|| Invalid::at("<EOF>"))?;
        self.at += 1;
        Ok(word)
    }

    pub(super) fn is_at_sign(&self, sign: &str) -> bool {
        matches!(self.peek(0), Some(Word::Sign(found)) if *found == sign)
    }

    pub(super) fn take_name(&mut self, name: &str) -> bool {
        let is_it = matches!(self.peek(0), Some(Word::Name(found)) if found == name);
        self.at += usize::from(is_it);
        is_it
    }

    pub(super) fn sign(&mut self, sign: &str) -> Result<(), Invalid> {
        match self.next()? {
            Word::Sign(found) if found == sign => Ok(()),
            other => Err(Invalid(other.shown())),
        }
    }

    pub(super) fn name(&mut self) -> Result<String, Invalid> {
        match self.next()? {
            Word::Name(name) => Ok(name),
            other => Err(Invalid(other.shown())),
        }
    }

    pub(super) fn count(&mut self) -> Result<usize, Invalid> {
        match self.next()? {
            Word::Number(number) if number.fract() == 0.0 && number < 1e9 => Ok(number as usize),
            other => Err(Invalid(other.shown())),
        }
    }

    /// A column of the table, and the fields in it: `properties.vmId`, `tags['team']`.
    pub(super) fn column(&mut self) -> Result<Vec<String>, Invalid> {
        let name = self.name()?;
        if !self.columns.contains(&name) {
            return Err(Invalid(name));
        }
        let mut fields = vec![name];
        loop {
            if self.is_at_sign(".") {
                self.at += 1;
                fields.push(self.name()?);
            } else if self.is_at_sign("[") {
                self.at += 1;
                match self.next()? {
                    Word::Text(field) => fields.push(field),
                    other => return Err(Invalid(other.shown())),
                }
                self.sign("]")?;
            } else {
                return Ok(fields);
            }
        }
    }

    pub(super) fn value(&mut self) -> Result<Value, Invalid> {
        match self.next()? {
            Word::Text(text) => Ok(Value::String(text)),
            Word::Number(number) => Ok(json!(number)),
            Word::Name(name) if name == "true" || name == "false" => Ok(json!(name == "true")),
            other => Err(Invalid(other.shown())),
        }
    }

    pub(super) fn several<T>(
        &mut self,
        read: impl Fn(&mut Self) -> Result<T, Invalid>,
    ) -> Result<Vec<T>, Invalid> {
        let mut found = vec![read(self)?];
        while self.is_at_sign(",") {
            self.at += 1;
            found.push(read(self)?);
        }
        Ok(found)
    }
}
