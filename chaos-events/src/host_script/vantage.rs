use serde::{Deserialize, Serialize};

/// From where the preflight looked: who it was, on which machine, in which boot and namespaces. A recovery that looks
/// from elsewhere might see nothing although there is something, so that the script refuses to say so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Vantage(pub(super) String);

impl Vantage {
    /// The number of the user that began the fault. It was told by the machine, and read from a journal.
    pub(crate) fn user(&self) -> Option<u32> {
        self.0.split(' ').nth(4)?.split_once(':')?.0.parse().ok()
    }
}
