//! `Microsoft.Compute`: availability sets, virtual machines, scale sets, and Run Command on either.

pub(super) mod availability_sets;
mod instances;
mod run_command;
pub(super) mod scale_sets;
pub(super) mod virtual_machines;
