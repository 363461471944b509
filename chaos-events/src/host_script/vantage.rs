use serde::{Deserialize, Serialize};

/// The point of view of the preflight: the user, the machine, the boot and the namespaces. A recovery that looks from
/// elsewhere might see nothing although there is something, so the script refuses to report that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Vantage(pub(super) String);

impl Vantage {
    /// The id of the user that began the fault, as reported by the machine or read from a journal.
    pub(crate) fn user(&self) -> Option<u32> {
        self.0.split(' ').nth(4)?.split_once(':')?.0.parse().ok()
    }
}
