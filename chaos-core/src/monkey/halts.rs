//! Halts that others have ordered over the same journal.

use std::{sync::PoisonError, time::Duration};

use super::core::Core;
use crate::{journal::Halt, observer::Activity};

/// How often a monkey that runs looks for a halt between its runs. Each run looks, and holders of faults do each two
/// seconds.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Tells the observers when everything is halted over the journal, and when the halt is withdrawn. Without end.
pub(super) async fn tell_of_halts(core: &Core) {
    loop {
        look(core).await;
        core.parts.clock.sleep(LOOK_EVERY).await;
    }
}

/// Looks into the journal, and tells the observers of what they do not know.
pub(super) async fn look(core: &Core) {
    let Ok(safeguard) = core.safeguard() else { return };
    // An unreadable journal says nothing of a halt. Nothing is injected meanwhile.
    if let Ok(halt) = safeguard.journal.halt().await {
        tell(core, halt.as_ref());
    }
}

/// Tells the observers of the halt in force, if they do not know it.
pub(super) fn tell(core: &Core, halt: Option<&Halt>) {
    let since = halt.map(|halt| halt.since);
    let known = {
        let mut known = core.known_halt.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *known, since)
    };
    match halt {
        Some(halt) if known != since => core.tell(Activity::Halted { reason: halt.reason.clone() }),
        None if known.is_some() => core.tell(Activity::Resumed {}),
        _ => {}
    }
}
