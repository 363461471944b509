use std::sync::Arc;

use chaos_core::{Permit, Result};

use super::{
    compatible::watch_as_chaos_toolkit,
    progress::Section,
    state::{State, refers_to_steps},
    steps::{OUTPUTS, STEPS_BEGUN, Steps},
};

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
    let mut steps = Steps::of(state, Section::Method);
    let experiment = Arc::clone(&state.experiment);
    let undo = experiment.method.iter().filter_map(|step| step.undo.as_ref());
    let is_needed_later = undo.chain(&experiment.rollbacks).any(|activity| refers_to_steps(&activity.data));
    for (index, step) in experiment.method.iter().enumerate() {
        if state.options.compatible && state.options.fail_fast && state.progress().has_deviated_during() {
            break;
        }
        if step.undo.is_some() {
            // The undo of a step is played only if the step has begun, so this has to be known before it begins.
            permit.record(STEPS_BEGUN, index + 1).await?;
        }
        steps.carry_out(step).await;
        if is_needed_later && let Some(outputs) = state.outputs() {
            permit.record(OUTPUTS, outputs).await?;
        }
    }
    steps.finish().await;
    if is_needed_later && let Some(outputs) = state.outputs() {
        permit.record(OUTPUTS, outputs).await?;
    }
    Ok(())
}
