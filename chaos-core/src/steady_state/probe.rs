use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::Reading;
use crate::{clock::Clock, error::Result};

/// A look at one thing that tells how the system is. It changes nothing: it is given no
/// [`Permit`](crate::fault::Permit).
///
/// `Display` says what it looks at, as in "GET http://127.0.0.1:8080/"; it goes into reports, so it shows no secret.
///
/// ```
/// use std::fmt;
/// use chaos_core::{Result, async_trait, clock::Clock, steady_state::{Probe, Reading}};
///
/// /// The number of orders that wait to be sent.
/// #[derive(Debug)]
/// struct Waiting;
///
/// impl fmt::Display for Waiting {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         f.write_str("orders that wait")
///     }
/// }
///
/// #[async_trait]
/// impl Probe for Waiting {
///     async fn look(&self, _clock: &dyn Clock) -> Result<Reading> {
///         Ok(7.into())
///     }
/// }
/// ```
#[async_trait]
pub trait Probe: fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// Looks once. `clock` measures time and sleeps.
    ///
    /// Each look is fresh: it answers how the system is now, not how it was. It does not block its thread. A look that
    /// exceeds the time limit of the steady state is dropped; so a probe whose silence says something about the system
    /// has a shorter limit of its own, after which it returns [`Reading::NoAnswer`].
    ///
    /// # Errors
    /// If nobody could look, so the state of the system is unknown: a monitoring system that is down, a permission that
    /// is missing. This is a doubt, not a violation.
    ///
    /// Cancel safe: a dropped look leaves nothing behind, such as a process.
    async fn look(&self, clock: &dyn Clock) -> Result<Reading>;

    /// Whether the probe can be asked at all, without asking it. [`build`](crate::monkey::MonkeyBuilder::build) calls
    /// it.
    ///
    /// # Errors
    /// `InvalidInput` that names the field and the value and says what would be right.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

macro_rules! passed_on_by {
    ($($pointer:ident),*) => {$(
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<P: Probe + ?Sized> Probe for $pointer<P> {
            async fn look(&self, clock: &dyn Clock) -> Result<Reading> {
                (**self).look(clock).await
            }

            fn check(&self) -> Result<()> {
                (**self).check()
            }
        }
    )*};
}

passed_on_by!(Arc, Box);
