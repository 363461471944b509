//! This crate on systems other than Linux. It has the same names, so a program with local drills compiles there too. It
//! returns an error of kind `Unsupported` if a process is needed.
//!
//! Two parts exist only on Linux: the certain identity of a process (its start time in `/proc`, a pidfd), and the
//! janitor, which continues a process when its injector is gone. Without both, a signal could reach a stranger, and a
//! stop could outlive its deadline.

mod fleet;
mod health_check;
mod identity;
mod processes;

pub use fleet::{AttachedFleet, Fleet, FleetBuilder, Fleets};
pub use health_check::HealthCheck;
pub use identity::{AsProcess, ProcessIdentity};
pub use processes::{ProcessGroups, Processes, ProcessesBuilder};

use chaos_core::Error;

/// The error for everything that needs Linux.
fn unsupported(what: &str) -> Error {
    Error::unsupported(what).with("needed", "Linux").with("system", std::env::consts::OS)
}

/// A provider that cannot be constructed.
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
