use crate::error::{Error, Result};

/// Invalid input to an infallible setter, kept until the calendar is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Invalid {
    pub(super) field: &'static str,
    pub(super) value: String,
    pub(super) expected: &'static str,
}

impl Invalid {
    pub(super) fn error(&self) -> Error {
        Error::invalid(self.field, &self.value, self.expected)
    }

    /// The error that `setting` keeps, if any.
    pub(super) fn check<T>(setting: &Result<T, Self>) -> Result<()> {
        setting.as_ref().map(|_| ()).map_err(Self::error)
    }
}
