//! Signs that tell apart what colours alone would not. Each is drawn once and used by its name.

use chaos_core::steady_state::Judged;
use maud::{Markup, PreEscaped, html};

use crate::{report::step::StepOutcome, run::ExperimentVerdict};

/// The signs, and the pattern of rollbacks. Nothing of it is seen where it stands.
pub(super) fn definitions() -> Markup {
    PreEscaped(include_str!("icons.svg").trim_end().to_owned())
}

pub(super) fn of_verdict(verdict: ExperimentVerdict) -> Markup {
    sign(match verdict {
        ExperimentVerdict::Completed => "yes",
        ExperimentVerdict::Deviated | ExperimentVerdict::Failed | ExperimentVerdict::NotRecovered => "no",
        ExperimentVerdict::Skipped | ExperimentVerdict::DryRun => "skip",
        ExperimentVerdict::Inconclusive => "ask",
    })
}

pub(super) fn of_step(outcome: &StepOutcome) -> Markup {
    sign(match outcome {
        StepOutcome::Done | StepOutcome::Hit(_) => "yes",
        StepOutcome::Failed(_) | StepOutcome::NotMet(_) => "no",
        StepOutcome::Interrupted => "cut",
        StepOutcome::NeverBegan => "skip",
    })
}

/// The class of what is coloured by how a step ended.
pub(super) fn class_of_step(outcome: &StepOutcome) -> &'static str {
    match outcome {
        StepOutcome::Done | StepOutcome::Hit(_) => "ok",
        StepOutcome::Failed(_) | StepOutcome::NotMet(_) => "bad",
        StepOutcome::Interrupted => "doubt",
        StepOutcome::NeverBegan => "muted",
    }
}

/// The name of the mark of a look in a plot.
pub(super) fn mark(judged: Judged) -> &'static str {
    match judged {
        Judged::Met => "#mark-met",
        Judged::Violated => "#mark-missed",
        _ => "#mark-unknown",
    }
}

fn sign(name: &str) -> Markup {
    html! {
        svg.sign width="16" height="16" viewBox="-8 -8 16 16" aria-hidden="true" {
            use href=(format!("#sign-{name}")) {} }
    }
}
