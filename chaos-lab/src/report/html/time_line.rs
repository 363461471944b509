use maud::{Markup, html};

use super::{
    axis::{percent, time_labels, time_ticks},
    icon,
};
use crate::{
    report::{
        moments::{Moments, Span},
        step::{Step, StepOutcome},
        text::seconds,
    },
    run::{ExperimentReport, HypothesisLook},
};

/// The height of a bar's picture.
const HEIGHT: u32 = 22;

/// The steps and the rollbacks, each with a bar from its beginning to its end.
pub(super) fn time_line(
    report: &ExperimentReport,
    moments: &Moments,
    method: &[Step<'_>],
    rollbacks: &[Step<'_>],
) -> Markup {
    html! {
        @if !method.is_empty() || !rollbacks.is_empty() {
            section.card {
                h2 { "Steps and rollbacks" }
                div.timeline role="list" {
                    @if let Some(look) = &report.before { (hypothesis("hypothesis before", look, moments)) }
                    @for step in method { (row(step, moments)) }
                    @if let Some(look) = &report.after { (hypothesis("hypothesis after", look, moments)) }
                    @for step in rollbacks { (row(step, moments)) }
                    div.row.axis aria-hidden="true" {
                        div.what {}
                        div.bar { svg width="100%" height="20" { (time_labels(moments.length, 14)) } }
                        div.how {}
                    }
                }
            }
        }
    }
}

fn row(step: &Step<'_>, moments: &Moments) -> Markup {
    let span = step.run.map(|run| moments.of_activity(run));
    let kind = if step.is_rollback { "rollback" } else { "step" };
    html! {
        div.row role="listitem" {
            div.what { span.count title=(kind) { (step.number) } span { (step.name) } }
            (bar(span, kind, &step.outcome, moments))
            (how(&step.outcome, span, step.run.map(|run| run.duration.as_secs_f64())))
        }
    }
}

fn hypothesis(name: &str, look: &HypothesisLook, moments: &Moments) -> Markup {
    let spans = look.probes.iter().map(|run| moments.of_activity(run));
    let span = spans.reduce(|one, other| Span { from: one.from.min(other.from), to: one.to.max(other.to) });
    let outcome = match look.why() {
        None => StepOutcome::Done,
        Some(_) => StepOutcome::NotMet(String::new()),
    };
    html! {
        div.row role="listitem" {
            div.what { span.count title="hypothesis" { "H" } span { (name) } }
            (bar(span, "look", &outcome, moments))
            div.how.(icon::class_of_step(&outcome)) {
                (icon::of_step(&outcome))
                span { (if outcome == StepOutcome::Done { "met" } else { "not met" }) }
            }
        }
    }
}

fn bar(span: Option<Span>, kind: &str, outcome: &StepOutcome, moments: &Moments) -> Markup {
    let length = moments.length;
    html! {
        div.bar {
            svg width="100%" height=(HEIGHT) role="img" aria-label=(outcome.name()) {
                g.grid {
                    @for tick in time_ticks(length) {
                        @let x = percent(tick.at, length);
                        line.minor[!tick.is_main] x1=(x) x2=(x) y1="0" y2=(HEIGHT) {}
                    }
                }
                @if let Some(span) = span {
                    g.(icon::class_of_step(outcome)).(kind) {
                        title { "from " (seconds(span.from)) " to " (seconds(span.to)) ": " (outcome.name()) }
                        // The edge is seen however short it was.
                        line.edge x1=(percent(span.from, length)) x2=(percent(span.from, length)) y1="4" y2="18" {}
                        rect.fill x=(percent(span.from, length)) width=(percent(span.length(), length))
                            y="4" height="14" {}
                        @if kind == "rollback" {
                            rect.rollbacks x=(percent(span.from, length)) width=(percent(span.length(), length))
                                y="4" height="14" {}
                        }
                    }
                }
            }
        }
    }
}

fn how(outcome: &StepOutcome, span: Option<Span>, took: Option<f64>) -> Markup {
    let took = took.or(span.map(Span::length));
    html! {
        div.how.(icon::class_of_step(outcome)) {
            (icon::of_step(outcome))
            span {
                (outcome.name())
                @if let Some(took) = took { span.muted { ", " (seconds(took)) } }
                @if let Some(why) = outcome.why() { br; span.why { (why) } }
            }
        }
    }
}
