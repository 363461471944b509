//! Plans: who is chosen, and why the others are not.

mod reason;

pub use reason::Reason;
