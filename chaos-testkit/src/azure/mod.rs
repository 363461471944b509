//! A stateful fake of Azure Resource Manager, for tests without Azure.

mod answer;
mod build;
mod call;
mod cloud;
mod compute;
mod errors;
mod fake_arm;
mod machine;
mod operation;
mod paging;
mod recorded;
mod resource_id;
mod route;
mod server;
mod settings;
mod versions;
mod work;
mod world;

pub use fake_arm::FakeArm;
pub use machine::{OperatingSystem, PowerState};
pub use operation::Pace;
pub use recorded::Recorded;
pub use settings::Settings;
pub use versions::{CHAOS_VERSION, COMPUTE_VERSION, NETWORK_VERSION};
pub use world::{New, NewAvailabilitySet, NewExperiment, NewScaleSet, Orchestration, SecurityGroups};
