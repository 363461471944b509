use std::io::{self, Write};

use chaos_core::text::escaped;
use chaos_lab::run::{ActivityRun, ActivityStatus, ExperimentReport, ExperimentVerdict};

use crate::program::escaped_lines;

/// The verdict, the reasons, and each step with its result.
pub(super) fn summary(report: &ExperimentReport) -> String {
    let rung = report.rung.as_ref().map(|rung| format!(" with {rung}")).unwrap_or_default();
    let mut lines = vec![format!("{}{}: {}", escaped(&report.title), escaped(&rung), report.verdict)];
    lines.extend(report.reasons.iter().map(|reason| format!("  {}", escaped(reason))));
    lines.extend(report.method.iter().map(|run| line("method", run)));
    lines.extend(report.rollbacks.iter().map(|run| line("rollback", run)));
    lines.join("\n")
}

fn line(section: &str, run: &ActivityRun) -> String {
    let ended = match (run.status, run.bad_exit(), &run.exception) {
        (Some(ActivityStatus::Succeeded), Some(status), _) => format!("exit status {status}"),
        (Some(ActivityStatus::Succeeded), None, _) => "done".to_owned(),
        (Some(ActivityStatus::Failed), _, Some(exception)) => format!("failed: {}", escaped(exception)),
        (Some(ActivityStatus::Failed), _, None) => "failed".to_owned(),
        (None, ..) => "interrupted".to_owned(),
    };
    format!("  {section}: {}: {ended} ({:.1} s)", escaped(&run.name), run.duration.as_secs_f64())
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
