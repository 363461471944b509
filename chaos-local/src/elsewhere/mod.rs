//! What this crate is on systems other than Linux: the same names, so that a program that has local drills compiles
//! there too, and an error of kind `Unsupported` wherever a process would be needed.
//!
//! How a process is known for certain (its start time in `/proc`, a pidfd), and what continues it when its injector is
//! gone (the janitor), is Linux's own. Without both, a signal could reach a stranger, and a stop could outlive its
//! deadline.

mod fleet;
mod health_check;
mod identity;
mod processes;

pub use fleet::{AttachedFleet, Fleet, FleetBuilder, Fleets};
pub use health_check::HealthCheck;
pub use identity::{AsProcess, ProcessIdentity};
pub use processes::{ProcessGroups, Processes, ProcessesBuilder};

use chaos_core::Error;

/// What nothing of this crate can do here.
fn unsupported(what: &str) -> Error {
    Error::unsupported(what).with("needed", "Linux").with("system", std::env::consts::OS)
}

/// A provider that nobody can have.
macro_rules! never_a_provider {
    ($($name:ident),*) => {$(
        #[async_trait::async_trait]
        impl chaos_core::Provider for $name {
            fn scheme(&self) -> &'static str {
                match self.never {}
            }

            fn groups<'a>(
                &'a self,
                _: &'a chaos_core::provider::GroupFilter,
            ) -> chaos_core::provider::BoxStream<'a, chaos_core::Result<chaos_core::Group>> {
                match self.never {}
            }

            async fn group(&self, _: &chaos_core::GroupId) -> chaos_core::Result<chaos_core::Group> {
                match self.never {}
            }

            async fn resolve(
                &self,
                _: &chaos_core::TargetId,
            ) -> chaos_core::Result<Option<std::sync::Arc<dyn chaos_core::Target>>> {
                match self.never {}
            }
        }
    )*};
}
use never_a_provider;
