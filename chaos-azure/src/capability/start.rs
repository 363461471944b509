//! The orders to start a machine, by a recovery and outside of faults.

use std::time::Duration;

use chaos_core::Result;

use crate::{
    capability::reach::Reach,
    client::{
        arm::{Accepted, Progress},
        starts::LastStart,
    },
    model::machine::{Machine, Power},
};

/// How long the status of a start is polled, so that an early refusal is reported. Looks at the machine show whether it
/// is up.
pub(crate) const FOLLOWED_FOR: Duration = Duration::from_secs(2);

/// Whether a start must be ordered. A second order would only disturb the first, and keep a running machine busy.
///
/// # Errors
/// That of the last start, if it failed. Then another one may be ordered.
pub(crate) async fn needs_start(reach: &Reach, machine: &Machine) -> Result<bool> {
    let is_on_its_way = match machine.view.power {
        Some(Power::Starting) => true,
        Some(Power::Running) => machine.is_changing() || machine.is_provisioned(),
        _ => false,
    };
    if is_on_its_way {
        return Ok(false);
    }
    let Reach { azure, place } = reach;
    match azure.starts.last(&azure.arm, place).await {
        LastStart::UnderWay if machine.is_changing() => Ok(false),
        LastStart::Failed(error) => Err(reach.named(error)),
        // If no operation is in progress on the machine, no order is.
        LastStart::UnderWay | LastStart::None => {
            azure.starts.forget(place);
            Ok(true)
        }
    }
}

/// Keeps an accepted start that is in progress, for [`needs_start`].
pub(crate) fn keep_start(reach: &Reach, accepted: Accepted, progress: &Progress) {
    if matches!(progress, Progress::UnderWay) {
        reach.azure.starts.keep(&reach.azure.arm, &reach.place, accepted);
    }
}
