use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    hexadecimal::sixteen_digits,
};

/// Identifies one run of a monkey, in its report and in every activity for observers.
///
/// Sixteen hexadecimal digits, drawn from [`Entropy`](crate::chance::Entropy): two runs with the same seed have
/// different ids.
///
/// ```
/// use chaos_core::monkey::RunId;
///
/// let id: RunId = "00000000000000ff".parse()?;
/// assert_eq!(id.to_string(), "00000000000000ff");
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(u64);

impl RunId {
    pub(crate) fn from_entropy(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RunId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        sixteen_digits("run id", text).map(Self)
    }
}

impl TryFrom<String> for RunId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.to_string()
    }
}
