//! The built-in chaos events. Each is written once against capabilities and paired with a recovery.
//!
//! | event | what it does | needs | recovery |
//! |---|---|---|---|
//! | [`Terminate`] | ends a target for good | terminate, and a group that replaces its members | [`AwaitReplacement`]: the group is whole and healthy again |
//! | [`Stop`] | stops a target for a while | stop, start | [`StartAgain`] |
//! | [`Reboot`] | restarts a target in place | reboot | [`StartAgain`] |
//! | [`CpuBurn`] | keeps cores of its machine busy | shell | [`EndCpuBurn`]: no burner is left |
//! | [`DiskFill`] | fills one of its file systems for a while | shell | [`FreeSpace`]: the space is back |
//! | [`NetworkBlackhole`] | drops its traffic: all, or that of hosts, ports or DNS | shell, with the right to change its network | [`RestoreTraffic`]: the rules are gone and it is healthy |
//! | [`BlackholeFromOutside`] | drops all its traffic by settings of its platform | isolation | [`RestoreSettings`]: its settings are as before and it is healthy |
//! | [`RunEngineExperiment`] | has an engine of the platform run an experiment | engine | [`StopEngineExperiment`]: its run is stopped and undone, and the group is healthy |
//!
//! [`registry`] knows all recoveries, and [`catalogue`] makes the events by name. No event here knows a provider: each
//! works on any target with the required capabilities.

mod catalogue;
mod cpu_burn;
mod disk_fill;
mod group_health;
mod host_script;
mod network_blackhole;
mod pace;
mod reboot;
mod registry;
mod restore_settings;
mod run_engine_experiment;
mod start_again;
mod stop;
mod stop_engine_experiment;
mod terminate;

pub use catalogue::catalogue;
pub use cpu_burn::{CpuBurn, EndCpuBurn};
pub use disk_fill::{DiskFill, FreeSpace};
pub use network_blackhole::{
    Allowed, BlackholeFromOutside, Direction, NetworkBlackhole, Protocol, RestoreTraffic,
};
pub use reboot::Reboot;
pub use registry::registry;
pub use restore_settings::RestoreSettings;
pub use run_engine_experiment::RunEngineExperiment;
pub use start_again::StartAgain;
pub use stop::Stop;
pub use stop_engine_experiment::StopEngineExperiment;
pub use terminate::{AwaitReplacement, Terminate};
