use std::sync::Arc;

use chaos_core::{Permit, Result};
use serde_json::{Value, json};

use super::{
    compatible::watch_as_chaos_toolkit,
    controls::{Level, Moment},
    engine::{START_BEGUN_AT, start_in},
    progress::Section,
    state::State,
    steps::{OUTPUTS, STEPS_BEGUN, Steps},
};
use crate::substitution::refers_to_steps;

/// Carries out the method, waits for what runs in the background, and looks at the hypothesis after it. Dropped, it
/// ends every process that it has started.
pub(crate) async fn carry_out_method(state: Arc<State>, permit: &Permit) -> Result<()> {
    state.method_begins(permit.remaining());
    if !state.progress().is_method_spared {
        let watching = watch_as_chaos_toolkit(&state);
        state.hook(Moment::before(Level::Method)).await;
        let mut entries = Value::Null;
        if !state.is_interrupted_by_control() {
            steps(&state, permit).await?;
            if state.controls.is_some() {
                entries =
                    json!(state.progress().method.iter().map(|run| run.entry(true)).collect::<Vec<_>>());
            }
        }
        state.hook(Moment::after(Level::Method, entries)).await;
        watching.end().await;
        if state.is_interrupted_by_control() {
            return Ok(());
        }
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
    let undo = state.experiment.method.iter().filter_map(|step| step.undo.as_ref());
    let mut played = undo.chain(&state.experiment.rollbacks);
    let is_needed_later = played.any(|activity| refers_to_steps(&activity.data));
    // An output is recorded as soon as it is there, whatever is carried out meanwhile.
    let recording = async {
        loop {
            state.next_output().await;
            record_outputs(state, permit, is_needed_later).await?;
        }
    };
    tokio::select! {
        biased;
        ended = in_turn(state, permit, is_needed_later) => ended,
        failed = recording => failed,
    }
}

async fn in_turn(state: &Arc<State>, permit: &Permit, is_needed_later: bool) -> Result<()> {
    let mut steps = Steps::of(state, Section::Method);
    let experiment = Arc::clone(&state.experiment);
    for (step, number) in experiment.method.iter().zip(1..) {
        if state.options.compatible && state.options.fail_fast && state.progress().has_deviated_during() {
            break;
        }
        // The undo of a step is played only if the step has begun, so this has to be known before it begins.
        let is_told = step.undo.is_some() || is_needed_later;
        let begins = async || {
            if start_in(&step.provider).is_some() {
                permit.record(START_BEGUN_AT, state.clock.now().to_string()).await?;
            }
            if is_told { permit.record(STEPS_BEGUN, number).await } else { Ok(()) }
        };
        steps.carry_out(step, begins()).await?;
        record_outputs(state, permit, is_needed_later).await?;
        if state.is_interrupted_by_control() {
            break;
        }
    }
    if state.is_interrupted_by_control() && !state.options.compatible {
        // As after a signal.
        steps.cut().await;
        return Ok(());
    }
    steps.finish().await;
    record_outputs(state, permit, is_needed_later).await
}

async fn record_outputs(state: &State, permit: &Permit, is_needed_later: bool) -> Result<()> {
    match state.outputs().filter(|_| is_needed_later) {
        Some(outputs) => permit.record(OUTPUTS, outputs).await,
        None => Ok(()),
    }
}
