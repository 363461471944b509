//! One fault and its way: `Prepared` → `Armed` → `Active` → recovered, each step consuming the one before.

mod active;
mod armed;
mod attempts;
mod id;
mod looks;
mod magnitude;
mod permit;
mod prepared;
mod record;
mod state;

pub use active::Active;
pub use armed::Armed;
pub use id::FaultId;
pub use magnitude::Magnitude;
pub use permit::Permit;
pub use prepared::{Inject, Prepared, Safeguard};
pub use record::{FaultRecord, Injection, Mark, Milestone, Reached};
pub use state::FaultState;
