use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::{Hold, Scope};
use crate::{capability::CapabilitySet, error::Result, fault::Prepared, group::Group};

/// One kind of failure, written once, for every target with the required capabilities.
///
/// ```
/// use chaos_core::{
///     Capability, CapabilitySet, ChaosEvent, Group, Hold, Prepared, Result, Scope, async_trait, testing::PowerOn,
/// };
///
/// /// Halts a machine for a minute.
/// #[derive(Debug)]
/// struct PowerCut;
///
/// #[async_trait]
/// impl ChaosEvent for PowerCut {
///     fn name(&self) -> &'static str {
///         "power-cut"
///     }
///
///     fn requires(&self) -> CapabilitySet {
///         CapabilitySet::of([Capability::Stop, Capability::Start])
///     }
///
///     fn hold(&self) -> Hold {
///         Hold::DEFAULT
///     }
///
///     async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
///         let lifecycle = scope.target().capabilities().lifecycle()?.clone();
///         Ok(Prepared::new(PowerOn::default(), |permit| Box::pin(async move { lifecycle.stop(permit).await })))
///     }
/// }
/// ```
#[async_trait]
pub trait ChaosEvent: fmt::Debug + Send + Sync + 'static {
    /// The name in plans, journals and programs: lower-case words with hyphens, such as `network-blackhole`.
    fn name(&self) -> &'static str;

    /// The capabilities that a target must offer.
    fn requires(&self) -> CapabilitySet;

    /// How long the fault is held.
    fn hold(&self) -> Hold;

    /// Checks whether this event is suitable for `group`. The error is the reason, which the plan shows. Most events
    /// are suitable everywhere.
    fn suits(&self, group: &Group) -> Result<(), String> {
        let _ = group;
        Ok(())
    }

    /// A fact that a person should know beforehand about this event in `group`, for example that another recovery may
    /// come first there. The plan shows it with the chosen targets. Most events have none.
    fn caveat(&self, group: &Group) -> Option<String> {
        let _ = group;
        None
    }

    /// Looks at the target without changing it, and returns the injection together with its recovery.
    ///
    /// It holds no [`Permit`](crate::fault::Permit), so it cannot change anything by accident. An error here means that
    /// nothing is injected.
    ///
    /// Cancel safe: it only looks.
    async fn prepare(&self, scope: &Scope) -> Result<Prepared>;
}

macro_rules! passed_on_by {
    ($($pointer:ident),*) => {$(
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<E: ChaosEvent + ?Sized> ChaosEvent for $pointer<E> {
            fn name(&self) -> &'static str {
                (**self).name()
            }

            fn requires(&self) -> CapabilitySet {
                (**self).requires()
            }

            fn hold(&self) -> Hold {
                (**self).hold()
            }

            fn suits(&self, group: &Group) -> Result<(), String> {
                (**self).suits(group)
            }

            fn caveat(&self, group: &Group) -> Option<String> {
                (**self).caveat(group)
            }

            async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
                (**self).prepare(scope).await
            }
        }
    )*};
}

passed_on_by!(Arc, Box);
