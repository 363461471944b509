use std::sync::Arc;

use chaos_core::{Permit, Result};
use tokio::task::JoinSet;

use super::{compatible::watch_as_chaos_toolkit, progress::Section, rollbacks::STEPS_BEGUN, state::State};
use crate::experiment::Activity;

/// Carries out the method, waits for what runs in the background, and looks at the hypothesis after it. Dropped, it
/// ends every process that it has started.
pub(crate) async fn carry_out_method(state: Arc<State>, permit: &Permit) -> Result<()> {
    if !state.progress().is_method_spared {
        let watching = watch_as_chaos_toolkit(&state);
        steps(&state, permit).await?;
        watching.end().await;
        state.progress().is_method_over = true;
        if state.hypothesis_strategy().is_after() {
            let look = state.look().await;
            state.progress().after = look;
            state.changed();
        }
    }
    Ok(())
}

async fn steps(state: &Arc<State>, permit: &Permit) -> Result<()> {
    let mut background = JoinSet::new();
    let experiment = Arc::clone(&state.experiment);
    for (index, step) in experiment.method.iter().enumerate() {
        if state.options.compatible && state.options.fail_fast && state.progress().has_deviated_during() {
            break;
        }
        if step.data.get("undo").is_some() {
            // The undo of a step is played only if the step has begun, so this has to be known before it begins.
            #[expect(clippy::cast_precision_loss, reason = "a method has fewer than 2^53 steps")]
            permit.record(STEPS_BEGUN, (index + 1) as f64).await?;
        }
        if step.background {
            let (state, step) = (Arc::clone(state), Arc::clone(step));
            background.spawn(async move { perform(&state, &step, Section::Method).await });
        } else {
            perform(state, step, Section::Method).await;
        }
    }
    while background.join_next().await.is_some() {}
    Ok(())
}

/// Carries out one activity of a section, and keeps how it went. Whether it succeeded.
pub(crate) async fn perform(state: &State, activity: &Activity, section: Section) -> bool {
    let under_way = state.begin(section, activity);
    let run = state.perform(activity).await;
    let is_fine = run.has_succeeded() && run.bad_exit().is_none();
    under_way.end(run);
    is_fine
}
