//! Chaos events, one for each kind of failure, and their scope.
//!
//! A [`ChaosEvent`] looks at a [`Scope`] and returns an injection together with its recovery, as a
//! [`Prepared`](crate::fault::Prepared) fault. Its [`Hold`] says how long the fault lasts. It holds no
//! [`Permit`](crate::fault::Permit) while it looks, so it cannot change anything by accident.

mod chaos_event;
mod fault_scope;
mod hold;
mod ledger;
mod scope;

pub use chaos_event::ChaosEvent;
pub use fault_scope::FaultScope;
pub(crate) use fault_scope::ScopeParts;
pub use hold::Hold;
pub(crate) use ledger::Findings;
pub(crate) use scope::Discovered;
pub use scope::Scope;
