use chaos_core::steady_state::{Phase, Share};
use maud::{Markup, html};

use crate::{
    report::probe_looks::{Counts, ProbeLooks},
    run::ExperimentReport,
};

const PHASES: [(Phase, &str); 3] =
    [(Phase::Before, "Before"), (Phase::During, "While"), (Phase::After, "After")];

/// Fewer looks than these are all kept.
const KEPT: u64 = 1_000;

/// Each probe before, while and after the method: how many looks were met, and which share that supports.
pub(super) fn phases_table(report: &ExperimentReport, probes: &[ProbeLooks<'_>]) -> Markup {
    html! {
        section.card {
            h2 { "Before, while and after" }
            table.stacked {
                thead { tr { th scope="col" { "Probe" } @for (_, name) in PHASES { th scope="col" { (name) } } } }
                tbody {
                    @for (index, probe) in probes.iter().enumerate() {
                        tr {
                            th scope="row" { (index + 1) ". " (probe.name()) }
                            @for (phase, name) in PHASES {
                                td data-label=(name) { (cell(counted(report, index, probe, phase))) }
                            }
                        }
                    }
                }
            }
            p.muted { "In percent: the share of looks that were met, with its 95 % interval by Wilson." }
        }
    }
}

/// The looks that were kept or, if there were too many to keep, what the monkey has counted.
fn counted(report: &ExperimentReport, index: usize, probe: &ProbeLooks<'_>, phase: Phase) -> Counts {
    let kept = probe.counts(phase);
    let steady = report.run.as_ref().and_then(|run| run.steady_state.as_ref());
    let watched = steady.and_then(|steady| steady.probes.get(index)).filter(|_| phase == Phase::During);
    match watched.map(|watched| &watched.during) {
        Some(during) if kept.looks() >= KEPT && during.looks() > kept.looks() => {
            Counts { met: during.met, missed: during.violated, unknown: during.unknown }
        }
        _ => kept,
    }
}

fn cell(counts: Counts) -> Markup {
    let judged = counts.met + counts.missed;
    html! {
        @if counts.looks() == 0 {
            span.muted { "no look" }
        } @else {
            div {
                span.bad[counts.missed > 0] { (counts.met) " of " (judged) " met" }
                @if counts.unknown > 0 { span.doubt { ", " (counts.unknown) " unknown" } }
                @if let Some(share) = Share::of(counts.met, judged) {
                    br;
                    span.muted { (percent(share.value)) " % (" (percent(share.low)) " to " (percent(share.high)) " %)" }
                }
            }
        }
    }
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    // Only what is whole is shown as whole: 99.98 is not 100.
    if percent.fract() == 0.0 { format!("{percent:.0}") } else { format!("{:.1}", percent.clamp(0.1, 99.9)) }
}
