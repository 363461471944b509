//! The resources that a test puts into the fake.

mod availability_set;
mod defaults;
mod experiment;
mod new;
mod scale_set;
mod security_groups;
mod subscription;

pub use availability_set::NewAvailabilitySet;
pub use experiment::NewExperiment;
pub use new::New;
pub use scale_set::{NewScaleSet, Orchestration};
pub use security_groups::SecurityGroups;
pub use subscription::NewSubscription;
