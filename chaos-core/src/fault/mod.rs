//! The life of one fault: [`Prepared`] → [`Armed`] → [`Active`] → recovered. Each step consumes the one before.
//!
//! Arming makes the recovery durable through a [`Safeguard`]. Only then is there a [`Permit`], which every call that
//! changes a target takes. A [`Fault`] identifies the armed fault, a [`FaultRecord`] is its record in the journal, and
//! each [`Mark`] is one step from one [`FaultState`] to the next.

mod active;
mod armed;
mod attempts;
mod cut_short;
mod fault;
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
pub use fault::Fault;
pub use id::FaultId;
pub use magnitude::Magnitude;
pub use permit::Permit;
pub use prepared::{Inject, Prepared};
pub use record::{FaultRecord, Injection, Mark, Milestone, Reached};
pub use safeguard::Safeguard;
pub use state::FaultState;
