use std::mem::take;

use chaos_core::{RunReport, journal::Found};

use super::{ExperimentReport, compatible, report, state::State, status::Status, verdict::conclude};

/// What is told of a run that is over.
pub(crate) fn conclude_report(state: &State, run: Option<RunReport>, replayed: Found) -> ExperimentReport {
    let (verdict, reasons) = conclude(state, run.as_ref(), &replayed);
    let mut progress = state.progress();
    let (status, deviated) =
        compatible::status(&progress, state.hypothesis_strategy(), state.options.fail_fast);
    report::ExperimentReport {
        title: state.title(),
        file: state.experiment.file.clone(),
        verdict,
        reasons,
        hypothesis: state.experiment.hypothesis.as_ref().map(|hypothesis| {
            let title = state.names().masked(&hypothesis.title.as_str().into());
            crate::python::text(&title)
        }),
        start: state.start,
        end: state.clock.now(),
        // Nobody asks for them any more.
        before: progress.before.take(),
        during: take(&mut progress.during),
        after: progress.after.take(),
        method: take(&mut progress.method),
        rollbacks: take(&mut progress.rollbacks),
        run,
        faults: state.events_over().into_iter().map(|event| event.report).collect(),
        replayed: replayed.faults,
        document: state.document(),
        added: serde_json::Map::new(),
        unwritten: None,
        compatible_exit_code: u8::from(status != Status::Completed || deviated),
        run_again: None,
        rung: None,
        status,
        deviated,
        is_compatible: state.options.compatible,
    }
}
