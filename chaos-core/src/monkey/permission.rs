//! The check whether the effects of an event could be undone, before the injection.

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream};

use super::core::{ASK_LIMIT, Core};
use crate::{
    capability::Undo,
    contain::{contained, within},
    error::{Error, ErrorKind, Result},
    event::{ChaosEvent, Hold},
    group::Target,
    plan::{Planned, Reason},
};

/// The number of targets that are checked at a time.
const AT_A_TIME: usize = 16;

/// Checks whether this program may bring `target` back from `event`, held as planned.
pub(super) async fn may_undo(
    core: &Core,
    target: &dyn Target,
    event: &dyn ChaosEvent,
    hold: Hold,
) -> Result<()> {
    let lasting = hold.until_deadline().saturating_add(core.parts.retry.budget);
    let undo = Undo::new(event.requires(), lasting.saturating_add(ASK_LIMIT));
    let asking =
        contained("the check whether the fault may be undone", async { target.may_undo(&undo).await });
    let (clock, limit) = (core.parts.clock.as_ref(), core.parts.discovery_limit);
    let answer = within(clock, limit, "the check whether the fault may be undone", asking).await;
    answer.and_then(|answer| answer).map_err(|error| {
        let what = match error.kind() {
            ErrorKind::Denied => {
                "this program would not be permitted to bring the target back, so nothing is injected"
            }
            _ => "it could not be determined whether this program may bring the target back, so nothing is injected",
        };
        Error::new(error.kind(), what).with("target", target.id()).caused_by(error)
    })
}

/// Withdraws the choice of every target that could not be brought back. So a plan that is not carried out reports this
/// too.
pub(super) async fn spare_who_cannot_be_brought_back(core: &Core, planned: &mut Planned) {
    let asking: Vec<BoxFuture<'_, Option<Error>>> = planned
        .victims
        .iter()
        .map(|victim| {
            may_undo(core, victim.target.as_ref(), victim.event.as_ref(), victim.hold)
                .map(Result::err)
                .boxed()
        })
        .collect();
    let errors: Vec<Option<Error>> = stream::iter(asking).buffered(AT_A_TIME).collect().await;
    for (index, error) in errors.into_iter().enumerate().rev() {
        if let Some(error) = error {
            planned.spare(index, &Reason::doubt(error));
        }
    }
}
