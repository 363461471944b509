//! `Microsoft.Compute`.

pub(super) mod availability_sets;
pub(super) mod virtual_machines;
