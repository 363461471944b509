use chaos_core::fault::FaultRecord;
use maud::{Markup, html};

use crate::{
    report::{
        moments::Moments,
        probe_looks::ProbeLooks,
        step::Step,
        text::{number, seconds, shown},
    },
    run::ExperimentReport,
};

/// The figures that one asks for first, and what was requested and achieved.
pub(super) fn facts(
    report: &ExperimentReport,
    moments: &Moments,
    probes: &[ProbeLooks<'_>],
    method: &[Step<'_>],
    rollbacks: &[Step<'_>],
) -> Markup {
    let first = probes.iter().filter_map(|probe| Some((probe.misses().next()?.at, probe.name())));
    let first = first.min_by(|one, other| one.0.total_cmp(&other.0));
    let looks: usize = probes.iter().map(|probe| probe.looks.len()).sum();
    let missed: usize = probes.iter().map(|probe| probe.misses().count()).sum();
    html! {
        section.facts {
            (fact("Steps carried out", &done(method), Some(&format!("requested: {}", method.len()))))
            @if !rollbacks.is_empty() {
                (fact("Rollbacks played", &done(rollbacks), Some(&format!("requested: {}", rollbacks.len()))))
            }
            @if let Some(span) = moments.method { (fact("The method took", &seconds(span.length()), None)) }
            @if let Some(span) = moments.rollbacks {
                (fact("Time to recover", &seconds(span.length()), Some("until everything was undone"))) }
            @if looks > 0 { (fact("Looks", &looks.to_string(), Some(&format!("{missed} not met")))) }
            @if let Some((at, name)) = first { (fact("First miss", &format!("at {}", seconds(at)), Some(&name))) }
            @if let Some((at, why)) = &moments.cut { (fact("Cut short", &format!("at {}", seconds(*at)), Some(why))) }
            @if let Some(at) = moments.steady_again {
                @let after = moments.time_to_settle.map(|time| format!("{} after the recovery", seconds(time)));
                (fact("Steady again", &format!("at {}", seconds(at)), after.as_deref()))
            }
        }
        (magnitudes(report.run.as_ref().map(|run| run.faults.as_slice()).unwrap_or_default()))
    }
}

fn fact(name: &str, value: &str, more: Option<&str>) -> Markup {
    html! {
        div.fact {
            span.label { (name) }
            span.value { (value) }
            @if let Some(more) = more { span.muted { (more) } }
        }
    }
}

fn done(steps: &[Step<'_>]) -> String {
    steps.iter().filter(|step| step.run.is_some_and(|run| run.status.is_some())).count().to_string()
}

/// How much of each fault was requested, and how much was achieved. A method of activities has no such numbers.
fn magnitudes(faults: &[FaultRecord]) -> Markup {
    let measured = || faults.iter().filter(|fault| !fault.requested.is_empty() || !fault.achieved.is_empty());
    let names = |fault: &FaultRecord| {
        let achieved = fault.achieved.iter().map(|(name, _)| name.to_owned());
        let mut names: Vec<String> = fault.requested.iter().map(|(name, _)| name.to_owned()).collect();
        names.extend(achieved);
        names.sort();
        names.dedup();
        names
    };
    let text = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), number);
    html! {
        @if measured().next().is_some() {
            section.card {
                h2 { "Requested and achieved" }
                table.stacked {
                    thead { tr { @for name in ["Fault", "Of", "Requested", "Achieved"] { th scope="col" { (name) } } } }
                    tbody {
                        @for fault in measured() {
                            @for name in names(fault) {
                                tr {
                                    th scope="row" { (shown(&fault.event)) " of " (shown(fault.target.as_str())) }
                                    td data-label="Of" { (shown(&name)) }
                                    td data-label="Requested" { (text(fault.requested.get(&name))) }
                                    td data-label="Achieved" { (text(fault.achieved.get(&name))) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
