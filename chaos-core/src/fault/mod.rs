//! One fault and its way: [`Prepared`] → [`Armed`] → [`Active`] → recovered, each step consuming the one before.
//!
//! Arming makes the undo durable through a [`Safeguard`]; only then is there a [`Permit`], which every call that
//! changes a target takes. [`FaultRecord`] is the fault as the journal keeps it, and each [`Mark`] is one step of it
//! from one [`FaultState`] to the next.

mod active;
mod armed;
mod attempts;
mod cut_short;
mod id;
mod looks;
mod magnitude;
mod permit;
mod prepared;
mod record;
mod safeguard;
mod state;

pub use futures_util::future::BoxFuture;

pub use active::Active;
pub use armed::Armed;
pub use cut_short::CutShort;
pub use id::FaultId;
pub use magnitude::Magnitude;
pub use permit::Permit;
pub use prepared::{Inject, Prepared};
pub use record::{FaultRecord, Injection, Mark, Milestone, Reached};
pub use safeguard::Safeguard;
pub use state::FaultState;
