//! A fault from its injection to the end of its hold.

use std::time::Duration;

use super::{
    core::{Core, Cut},
    halts,
};
use crate::{
    clock::Clock,
    fault::{Active, Armed, CutShort},
    journal::Journal,
    observer::Activity,
};

/// How often the holder of a fault asks the journal whether another process has halted everything, and the wall clock
/// whether the deadline has passed while the machine slept.
const POLL: Duration = Duration::from_secs(2);

/// Injects, unless or until the run is cut short.
pub(super) async fn inject(core: &Core, armed: Armed, cut: &mut Cut) -> Active {
    if let Some(why) = cut.is_cut() {
        return armed.abandon_because(why);
    }
    let journal = armed.journal();
    let clock = core.parts.clock.as_ref();
    let cut = async move {
        tokio::select! {
            biased;
            why = cut.wait() => why,
            () = halted_elsewhere(journal.as_ref(), clock) => CutShort::Halted,
        }
    };
    armed.inject_unless(cut).await
}

/// Holds the fault until its deadline and looks at it meanwhile, unless the run is cut short.
pub(super) async fn hold(core: &Core, active: &mut Active, cut: &mut Cut) {
    let clock = core.parts.clock.as_ref();
    let cut_short = if let Some(why) = active.cut_short() {
        Some(why)
    } else if active.injection().is_err() {
        Some(CutShort::InjectionFailed)
    } else {
        tokio::select! {
            biased;
            reason = cut.wait() => Some(reason),
            () = halted_elsewhere(active.journal(), clock) => Some(CutShort::Halted),
            () = clock.sleep(active.remaining()) => None,
            // Unless it was meant to end then.
            () = active.watch() => Some(CutShort::EndedEarly),
            () = passed(active, clock) => None,
        }
    };
    let cut_short = active.end_hold(cut_short);
    if cut_short == Some(CutShort::Halted) {
        halts::look(core).await;
    }
    if let (Some(CutShort::NotSteady | CutShort::InDoubt), Some(note)) = (cut_short, cut.note()) {
        active.note(note);
    }
    core.tell(Activity::HoldEnded { fault: active.identity(), cut_short });
}

/// Returns when the journal has a halt. An unreadable journal does not end a hold: the deadline does.
async fn halted_elsewhere(journal: &dyn Journal, clock: &dyn Clock) {
    loop {
        clock.sleep(POLL).await;
        if let Ok(Some(_)) = journal.halt().await {
            return;
        }
    }
}

/// Returns when the deadline has passed by the wall clock, which goes on while a machine is suspended.
async fn passed(active: &Active, clock: &dyn Clock) {
    while !active.remaining().is_zero() {
        clock.sleep(POLL).await;
    }
}
