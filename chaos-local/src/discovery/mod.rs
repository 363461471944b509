//! Which processes and fleets there are.

pub(crate) mod anywhere;
pub(crate) mod fleet_elsewhere;
pub(crate) mod fleet_state;
pub(crate) mod state_directory;
