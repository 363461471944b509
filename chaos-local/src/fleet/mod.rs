//! A fleet that this process runs: replicas of a command, watched and started again.

pub(crate) mod attached_fleet;
pub(crate) mod back_off;
mod fleet;
pub(crate) mod fleet_builder;
pub(crate) mod orders;
pub(crate) mod output_tail;
pub(crate) mod plan;
pub(crate) mod replica_process;
pub(crate) mod spawner;
pub(crate) mod supervisor;
pub(crate) mod template;

pub use fleet::Fleet;
