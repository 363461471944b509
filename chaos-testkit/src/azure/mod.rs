//! A stateful fake of Azure Resource Manager, for tests without Azure.

mod access;
mod answer;
mod build;
mod call;
mod chaos_studio;
mod cloud;
mod compute;
mod directory;
mod errors;
mod fake_arm;
mod guest;
mod machine;
mod microsoft_sdk;
mod network;
mod operation;
mod pages;
mod paging;
mod recorded;
mod resource_id;
mod route;
mod scale_set;
mod server;
mod settings;
mod timer;
mod trouble;
mod versions;
mod work;
mod world;

pub use access::Role;
pub use fake_arm::FakeArm;
pub use machine::{OperatingSystem, PowerState};
pub use microsoft_sdk::{MicrosoftSdk, SdkAnswer, SdkError};
pub use network::Direction;
pub use operation::Pace;
pub use recorded::{Recorded, assert_same_requests};
pub use settings::Settings;
pub use trouble::{Effect, Trouble};
pub use versions::{CHAOS_VERSION, COMPUTE_VERSION, INSTANCE_INTERFACES_VERSION, NETWORK_VERSION};
pub use world::{
    New, NewAvailabilitySet, NewExperiment, NewScaleSet, NewSubscription, Orchestration, SecurityGroups,
};
