use std::io::{self, Write};

use chaos_core::{fault::FaultRecord, text::escaped};
use chaos_lab::run::{ActivityRun, ActivityStatus, ExperimentReport, ExperimentVerdict, HypothesisLook};

use serde_json::Value;

use crate::program::escaped_lines;

/// The verdict, the reasons, and each step with its result.
pub(super) fn summary(report: &ExperimentReport) -> String {
    let rung = report.rung.as_ref().map(|rung| format!(" with {rung}")).unwrap_or_default();
    let mut lines = vec![format!("{}{}: {}", escaped(&report.title), escaped(&rung), report.verdict)];
    lines.extend(report.reasons.iter().map(|reason| format!("  {}", escaped(reason))));
    let earlier = |fault: &FaultRecord| format!("  an earlier run, {}: {}", fault.target, fault.state);
    lines.extend(report.replayed.iter().map(earlier));
    lines.extend(hypothesis(report));
    lines.extend(report.method.iter().map(|run| format!("  {}", line("method", run))));
    lines.extend(report.rollbacks.iter().map(|run| format!("  {}", line("rollback", run))));
    lines.join("\n")
}

/// How often the hypothesis was looked at, and how often it held.
fn hypothesis(report: &ExperimentReport) -> Option<String> {
    let one = |look: &Option<HypothesisLook>| {
        look.as_ref().map(|look| {
            let is_left_out = look.probes.iter().all(|run| run.is_left_out);
            let told = match look.is_met() {
                true => "met",
                false if look.is_doubt() => "unknown",
                false => "not met",
            };
            if is_left_out { "left out" } else { told }.to_owned()
        })
    };
    let met = report.during.iter().filter(|look| look.is_met()).count();
    let during = (!report.during.is_empty()).then(|| format!("{met} of {} looks met", report.during.len()));
    let phases = [("before", one(&report.before)), ("during", during), ("after", one(&report.after))];
    let phases: Vec<String> =
        phases.into_iter().filter_map(|(phase, told)| Some(format!("{phase}: {}", told?))).collect();
    (!phases.is_empty()).then(|| format!("  hypothesis {}", phases.join(", ")))
}

/// One step, and how it ended.
pub(super) fn line(section: &str, run: &ActivityRun) -> String {
    if run.is_left_out {
        return format!("{section}: {}: left out", escaped(&run.name));
    }
    let ended = match (run.status, run.bad_status(), &run.exception) {
        (Some(ActivityStatus::Succeeded), ..) if run.tolerance_met == Some(true) => "met".to_owned(),
        (Some(ActivityStatus::Succeeded), ..) if run.not_met.is_some() => {
            format!("not met: {}", escaped(run.not_met.as_deref().unwrap_or_default()))
        }
        (Some(ActivityStatus::Succeeded), Some(status), _) => match last_words(run) {
            Some(words) => format!("status {status}: {}", escaped(words)),
            None => format!("status {status}"),
        },
        (Some(ActivityStatus::Succeeded), None, _) => match run.hit().as_slice() {
            [] => "done".to_owned(),
            hit => format!("done: hit {}", escaped(&hit.join(", "))),
        },
        (Some(ActivityStatus::Failed), _, Some(exception)) => format!("failed: {}", escaped(exception)),
        (Some(ActivityStatus::Failed), _, None) => "failed".to_owned(),
        (None, ..) => "interrupted".to_owned(),
    };
    format!("{section}: {}: {ended} ({:.1} s)", escaped(&run.name), run.duration.as_secs_f64())
}

/// What a process said last.
fn last_words(run: &ActivityRun) -> Option<&str> {
    run.output["stderr"].as_str()?.trim().lines().last()
}

/// Our properties, which `--compat` takes no notice of, as Chaos Toolkit does not.
pub(super) fn unheeded(document: &Value) -> Option<String> {
    let top = ["stop-conditions", "scale-up", "deadline"];
    let of_step = ["undo", "until", "samples", "approval", "tolerance"];
    let mut paths: Vec<String> =
        top.into_iter().filter(|name| document.get(name).is_some()).map(str::to_owned).collect();
    let steps = document["method"].as_array().into_iter().flatten().enumerate();
    paths.extend(steps.flat_map(|(index, step)| {
        let found = of_step.into_iter().filter(|name| step.get(name).is_some());
        found.map(move |name| format!("method[{index}].{name}"))
    }));
    let paths = paths.join(", ");
    (!paths.is_empty()).then(|| format!("--compat takes no notice of: {paths}"))
}

/// What the exit code of Chaos Toolkit does not tell.
pub(super) fn hidden_by_compat(report: &ExperimentReport) -> Option<String> {
    let is_told = report.compatible_exit_code != 0 && report.verdict != ExperimentVerdict::NotRecovered;
    let is_fine = matches!(report.verdict, ExperimentVerdict::Completed | ExperimentVerdict::DryRun);
    if is_told || is_fine {
        return None;
    }
    let reasons = report.reasons.iter().map(|reason| format!("\n  {}", escaped(reason))).collect::<String>();
    Some(format!(
        "--compat exits with {}, but the experiment is {}:{reasons}",
        report.compatible_exit_code, report.verdict
    ))
}

/// Tells on standard error. If that cannot be written, only the exit code remains.
pub(super) fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{}", escaped_lines(text));
}
