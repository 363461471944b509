use std::fmt::Write;

use super::{
    markdown_text::{block, code, plain},
    moments::{Moments, Span},
    probe_looks::{Look, ProbeLooks, probes},
    step::{Step, StepOutcome, steps},
    text::{counted, date, seconds},
};
use crate::run::{ExperimentReport, ExperimentVerdict};

/// Text for a pull request, in Markdown: the verdict, and a table of the steps. Of a run in which the hypothesis did
/// not hold, it is a report of the bug: the hypothesis, the first miss, what stood then, and how to run it again.
///
/// ```
/// # use chaos_lab::{experiment::Experiment, run::Lab};
/// # use serde_json::json;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let document = json!({
/// #     "title": "Nothing happens", "description": "An example.", "method": [
/// #         { "type": "action", "name": "rest", "provider": { "type": "process", "path": "true" } },
/// #     ],
/// # });
/// # let experiment = Experiment::from_document(document, &Default::default())?;
/// let run = Lab::new().run(&experiment).await?;
/// let text = chaos_lab::report::markdown(&[run]);
/// assert!(text.starts_with("## Nothing happens: completed\n"));
/// # Ok(())
/// # }
/// ```
pub fn markdown(reports: &[ExperimentReport]) -> String {
    let texts: Vec<String> = reports.iter().map(one).collect();
    texts.join("\n---\n\n")
}

fn one(report: &ExperimentReport) -> String {
    let moments = Moments::of(report);
    let (method, rollbacks) = steps(report);
    let mut text = format!("## {}: {}\n\n", plain(&report.title), report.verdict);
    let took = seconds(moments.length);
    let _ = writeln!(text, "Ran at {}, took {took}.\n", date(report.start));
    for reason in &report.reasons {
        let _ = writeln!(text, "- {}", plain(reason));
    }
    if !report.reasons.is_empty() {
        text.push('\n');
    }
    if let Some(hypothesis) = &report.hypothesis {
        let _ = writeln!(text, "**Hypothesis:** {}\n", plain(hypothesis));
    }
    let probes = probes(report);
    if report.verdict != ExperimentVerdict::Completed {
        first_miss(&mut text, &probes, &moments, &method, &rollbacks);
    }
    looks(&mut text, &probes);
    table(&mut text, &moments, &method, &rollbacks);
    again(&mut text, report);
    text
}

fn first_miss(
    text: &mut String,
    probes: &[ProbeLooks<'_>],
    moments: &Moments,
    method: &[Step<'_>],
    rollbacks: &[Step<'_>],
) {
    let misses = probes.iter().filter_map(|probe| Some((probe, probe.misses().next()?)));
    let Some((probe, look)) = misses.min_by(|one, other| one.1.at.total_cmp(&other.1.at)) else { return };
    text.push_str("### First miss\n\n");
    let _ = writeln!(text, "- Probe: {}", plain(&probe.name()));
    let _ = writeln!(text, "- Expected: {}", code(&probe.expected()));
    let _ = writeln!(text, "- Found: {}", code(&look.found()));
    let (after, at) = (seconds(look.at), date(moments.date(look.at)));
    let _ = writeln!(text, "- When: {after} after the run began ({}), at {at}", look.phase);
    let steps = method.iter().chain(rollbacks);
    let stood: Vec<String> = steps.filter_map(|step| stood(step, look, moments)).collect();
    match stood.as_slice() {
        [] => text.push_str("- What stood then: no step had begun\n"),
        stood => {
            text.push_str("- What stood then:\n");
            for line in stood {
                let _ = writeln!(text, "  - {line}");
            }
        }
    }
    text.push('\n');
}

/// What a step was doing when a look began.
fn stood(step: &Step<'_>, look: &Look<'_>, moments: &Moments) -> Option<String> {
    let Span { from, to } = moments.of_activity(step.run?);
    let name = format!("{}. {}", step.number, plain(&step.name));
    if from > look.at {
        None
    } else if to > look.at {
        Some(format!("{name}: under way for {}", seconds(look.at - from)))
    } else {
        Some(format!("{name}: {} {} before", step.outcome.name(), seconds(look.at - to)))
    }
}

fn looks(text: &mut String, probes: &[ProbeLooks<'_>]) {
    if probes.is_empty() {
        return;
    }
    text.push_str("| Probe | Expected | Looks | Not met |\n|---|---|---:|---:|\n");
    for (index, probe) in probes.iter().enumerate() {
        let (name, expected) = (plain(&probe.name()), code(&probe.expected()));
        let (looks, missed) = (probe.looks.len(), probe.misses().count());
        let _ = writeln!(text, "| {}. {name} | {expected} | {looks} | {missed} |", index + 1);
    }
    text.push('\n');
}

fn table(text: &mut String, moments: &Moments, method: &[Step<'_>], rollbacks: &[Step<'_>]) {
    if method.is_empty() && rollbacks.is_empty() {
        return;
    }
    text.push_str("| | Step | Began | Took | Result |\n|---|---|---:|---:|---|\n");
    for step in method.iter().chain(rollbacks) {
        let (began, took) = step.run.map_or_else(Default::default, |run| {
            (seconds(moments.at(run.start)), seconds(run.duration.as_secs_f64()))
        });
        let result = match step.outcome.why() {
            Some(why) => format!("{}: {}", bold(&step.outcome), plain(why)),
            None => bold(&step.outcome),
        };
        let _ = writeln!(text, "| {} | {} | {began} | {took} | {result} |", step.number, plain(&step.name));
    }
    let _ = writeln!(
        text,
        "\n{} and {} in all.\n",
        counted(method.len(), "step"),
        counted(rollbacks.len(), "rollback")
    );
}

/// Only what a reader must not miss is bold.
fn bold(outcome: &StepOutcome) -> String {
    match outcome {
        StepOutcome::Done | StepOutcome::Hit(_) => outcome.name().to_owned(),
        _ => format!("**{}**", outcome.name()),
    }
}

fn again(text: &mut String, report: &ExperimentReport) {
    if let Some(command) = &report.run_again {
        let _ = write!(text, "Run it again:\n\n{}", block(command));
    } else if let Some(file) = &report.file {
        let _ = writeln!(text, "The experiment is in {}.", code(&file.display().to_string()));
    }
}
