use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    hexadecimal::sixteen_digits,
};

/// Names one fault everywhere: in the journal, in logs, and in every name that is created on its target.
///
/// Sixteen hexadecimal digits, drawn from [`Entropy`](crate::chance::Entropy).
///
/// ```
/// use chaos_core::FaultId;
///
/// let id: FaultId = "00000000000000ff".parse()?;
/// assert_eq!(id.to_string(), "00000000000000ff");
/// assert!("ff".parse::<FaultId>().is_err());
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FaultId(u64);

impl FaultId {
    pub(crate) fn from_entropy(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for FaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for FaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for FaultId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        sixteen_digits("fault id", text).map(Self)
    }
}

impl TryFrom<String> for FaultId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<FaultId> for String {
    fn from(id: FaultId) -> Self {
        id.to_string()
    }
}
