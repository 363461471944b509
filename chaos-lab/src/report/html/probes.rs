use chaos_core::steady_state::Judged;
use maud::{Markup, html};

use super::plot::plot;
use crate::{
    report::{
        moments::Moments,
        probe_looks::{ProbeLooks, stop_conditions},
        step::Step,
        text::{counted, seconds},
    },
    run::ExperimentReport,
};

/// The most misses that are told below a plot.
const TOLD: usize = 3;

/// A plot for each probe and each stop condition, with what its marks mean.
pub(super) fn probes_section(
    report: &ExperimentReport,
    moments: &Moments,
    probes: &[ProbeLooks<'_>],
    method: &[Step<'_>],
    rollbacks: &[Step<'_>],
) -> Markup {
    let conditions = stop_conditions(report);
    let named = probes.iter().enumerate().map(|(index, probe)| (format!("{}.", index + 1), probe));
    let all = named.chain(conditions.iter().map(|condition| ("Stop condition:".to_owned(), condition)));
    html! {
        @if !probes.is_empty() || !conditions.is_empty() {
            section.card {
                h2 { "What was looked at" }
                (legend(report, moments, probes, &conditions))
                @for (sort, probe) in all {
                    div.probe {
                        h3 { (sort) " " (probe.name()) }
                        p.muted { "Expected " strong { (probe.expected()) } ", " (looked(probe)) "." }
                        @if probe.looks.is_empty() {
                            p.muted { "Nobody looked." }
                        } @else {
                            (plot(probe, moments, method, rollbacks))
                            (misses(probe))
                        }
                    }
                }
            }
        }
    }
}

fn looked(probe: &ProbeLooks<'_>) -> String {
    let missed = probe.misses().count();
    let looks = counted(probe.looks.len(), "look");
    if missed == 0 { looks } else { format!("{looks}, {missed} not met") }
}

fn misses(probe: &ProbeLooks<'_>) -> Markup {
    let rest = probe.misses().count().saturating_sub(TOLD);
    html! {
        @if probe.misses().next().is_some() {
            ul.misses {
                @for look in probe.misses().take(TOLD) {
                    li { "at " (seconds(look.at)) " (" (look.phase) "): " (look.text()) }
                }
                @if rest > 0 { li { "and " (rest) " more" } }
            }
        }
    }
}

/// Only what is in the plots.
fn legend(
    report: &ExperimentReport,
    moments: &Moments,
    probes: &[ProbeLooks<'_>],
    conditions: &[ProbeLooks<'_>],
) -> Markup {
    let has = |judged| {
        probes.iter().chain(conditions).flat_map(|probe| &probe.looks).any(|look| look.judged == judged)
    };
    let marks = [
        (Judged::Met, "mark-met", "met", "met"),
        (Judged::Violated, "mark-missed", "missed", "not met"),
        (Judged::Unknown, "mark-unknown", "unknown", "nobody could look"),
    ];
    let is_scaled = probes.iter().any(|probe| {
        probe.tolerated().bounds().is_some() && probe.looks.iter().any(|look| look.number.is_some())
    });
    let has_actions = report.method.iter().any(|run| run.activity["type"] != "probe");
    let boxes = [
        (is_scaled, "tolerated", "tolerated, between the dashed lines"),
        (moments.method.is_some(), "method", "method"),
        (has_actions && moments.method.is_some(), "method action", "an action under way"),
        (moments.rollbacks.is_some(), "rollbacks", "rollbacks"),
    ];
    html! {
        ul.legend {
            @for (judged, sign, class, text) in marks {
                @if has(judged) {
                    li { svg.looks width="16" height="16" viewBox="-8 -8 16 16" aria-hidden="true" {
                        use.(class) href=(format!("#{sign}")) {} }
                        (text) }
                }
            }
            @for (_, class, text) in boxes.into_iter().filter(|(is_shown, ..)| *is_shown) {
                li {
                    svg width="22" height="14" aria-hidden="true" {
                        @for class in class.split(' ') { rect class=(class) width="22" height="14" {} }
                    }
                    (text)
                }
            }
        }
    }
}
