//! Finds processes and fleets.

pub(crate) mod anywhere;
pub(crate) mod fleet_elsewhere;
pub(crate) mod fleet_state;
pub(crate) mod state_directory;
