//! What Chaos Toolkit does otherwise.

use std::sync::Arc;

use tokio::{sync::watch, task::JoinSet};

use super::{Interrupt, progress::Progress, state::State, status::Status};
use crate::experiment::{HypothesisStrategy, RollbackStrategy};

/// The looks at the hypothesis during the method, as Chaos Toolkit makes them: all probes in turn, again some time
/// after the last. They cut nothing short.
#[derive(Debug)]
pub(crate) struct Watching {
    is_over: watch::Sender<bool>,
    looking: JoinSet<()>,
}

/// Starts to look, if the strategy wants that and Chaos Toolkit's own way was asked for.
pub(crate) fn watch_as_chaos_toolkit(state: &Arc<State>) -> Watching {
    let (is_over, mut over) = watch::channel(false);
    let mut looking = JoinSet::new();
    if state.options.compatible && state.hypothesis_strategy().is_during() {
        let state = Arc::clone(state);
        looking.spawn(async move {
            while !*over.borrow() {
                if let Some(look) = state.look().await {
                    let is_met = look.is_met();
                    state.progress().looked(look);
                    state.changed();
                    if !is_met && state.options.fail_fast {
                        return;
                    }
                }
                tokio::select! {
                    biased;
                    _ = over.wait_for(|over| *over) => {}
                    () = state.clock.sleep(state.options.frequency) => {}
                }
            }
        });
    }
    Watching { is_over, looking }
}

impl Watching {
    /// The method is over: the look that is under way is the last.
    pub(crate) async fn end(mut self) {
        self.is_over.send_replace(true);
        while self.looking.join_next().await.is_some() {}
    }
}

/// The status as Chaos Toolkit would have it, and whether the system deviated.
pub(crate) fn status(
    progress: &Progress,
    strategy: HypothesisStrategy,
    is_fail_fast: bool,
) -> (Status, bool) {
    let deviated = progress.after.as_ref().is_some_and(|after| !after.is_met());
    let has_failed =
        |look: &Option<super::HypothesisLook>| look.as_ref().is_some_and(|look| look.failed().is_some());
    // A deviation after the method outranks the one that cut it short.
    let is_cut = is_fail_fast && strategy.is_during() && progress.has_deviated_during() && !deviated;
    let status = if progress.interrupt.is_some() {
        Status::Interrupted
    } else if has_failed(&progress.before) || has_failed(&progress.after) || is_cut {
        Status::Failed
    } else if progress.is_method_over || progress.is_method_spared {
        Status::Completed
    } else {
        Status::Aborted
    };
    (status, deviated)
}

/// Whether Chaos Toolkit would play the rollbacks; otherwise why it would not.
pub(crate) fn plays_rollbacks(
    progress: &Progress,
    rollbacks: RollbackStrategy,
    (status, deviated): (Status, bool),
) -> Result<(), &'static str> {
    if progress.interrupt == Some(Interrupt::User2) {
        return Err("SIGUSR2 asked for no rollbacks");
    }
    let is_cut = matches!(status, Status::Failed | Status::Interrupted);
    match rollbacks {
        RollbackStrategy::Always => Ok(()),
        RollbackStrategy::Never => Err("the strategy of the rollbacks is `never`"),
        RollbackStrategy::Deviated if deviated => Ok(()),
        RollbackStrategy::Deviated => Err("the strategy of the rollbacks is `deviated`"),
        _ if is_cut => Err("Chaos Toolkit plays no rollbacks after a run that failed or was interrupted"),
        _ => Ok(()),
    }
}
