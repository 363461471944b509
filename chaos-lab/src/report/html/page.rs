use maud::{DOCTYPE, Markup, PreEscaped, html as markup};

use super::{facts::facts, icon, probes::probes_section, table::phases_table, time_line::time_line};
use crate::{
    report::{
        moments::Moments,
        probe_looks::probes,
        step::steps,
        text::{date, seconds, shown},
    },
    run::{ExperimentReport, ExperimentVerdict},
};

/// Nothing is loaded and nothing runs, whatever may stand in the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// A page for a browser, in one file: it loads nothing and runs nothing.
///
/// For each run: the verdict with its reasons, a plot of each probe, a table of the looks before, while and after, a
/// time line of the steps and the rollbacks, and how to run it again. The page is light or dark as its reader has it,
/// and can be printed.
///
/// ```
/// # use chaos_lab::{experiment::Experiment, run::Lab};
/// # use serde_json::json;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let document = json!({
/// #     "title": "<b>Nothing</b> happens", "description": "An example.", "method": [
/// #         { "type": "action", "name": "rest", "provider": { "type": "process", "path": "true" } },
/// #     ],
/// # });
/// # let experiment = Experiment::from_document(document, &Default::default())?;
/// let run = Lab::new().run(&experiment).await?;
/// let page = chaos_lab::report::html(&[run]);
/// assert!(page.contains("&lt;b&gt;Nothing&lt;/b&gt; happens"));
/// # Ok(())
/// # }
/// ```
pub fn html(reports: &[ExperimentReport]) -> String {
    let title = match reports {
        [report] => format!("{}: {}", report.verdict, shown(&report.title)),
        reports => format!("{} experiments", reports.len()),
    };
    let page = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                (icon::definitions())
                main {
                    @if reports.len() > 1 { (contents(reports)) }
                    @for (index, report) in reports.iter().enumerate() {
                        (experiment(index + 1, report))
                    }
                }
            }
        }
    };
    page.into_string()
}

fn contents(reports: &[ExperimentReport]) -> Markup {
    markup! {
        nav.card aria-label="Experiments" {
            h2 { (reports.len()) " experiments" }
            ol {
                @for (index, report) in reports.iter().enumerate() {
                    li {
                        span.verdict.small.(class(report.verdict)) {
                            (icon::of_verdict(report.verdict)) (report.verdict) }
                        " "
                        a href=(format!("#experiment-{}", index + 1)) { (shown(&report.title)) }
                    }
                }
            }
        }
    }
}

fn experiment(number: usize, report: &ExperimentReport) -> Markup {
    let moments = Moments::of(report);
    let probes = probes(report);
    let (method, rollbacks) = steps(report);
    markup! {
        article id=(format!("experiment-{number}")) {
            header.card {
                p.line {
                    span.verdict.(class(report.verdict)) { (icon::of_verdict(report.verdict)) (report.verdict) }
                    span.muted { (date(report.start)) ", took " (seconds(moments.length)) }
                }
                h1 { (shown(&report.title)) }
                p.meaning { (meaning(report.verdict)) }
                @if !report.reasons.is_empty() {
                    ul.reasons {
                        @for reason in &report.reasons { li { (shown(reason)) } }
                    }
                }
                @if let Some(hypothesis) = &report.hypothesis {
                    p.hypothesis { span.label { "Hypothesis" } (shown(hypothesis)) }
                }
            }
            (facts(report, &moments, &probes, &method, &rollbacks))
            (probes_section(report, &moments, &probes, &method, &rollbacks))
            @if !probes.is_empty() { (phases_table(report, &probes)) }
            (time_line(report, &moments, &method, &rollbacks))
            (again(report))
        }
    }
}

fn again(report: &ExperimentReport) -> Markup {
    markup! {
        @if report.run_again.is_some() || report.file.is_some() {
            section.card {
                h2 { "Run it again" }
                @if let Some(command) = &report.run_again { pre { code { (words(command)) } } }
                @if let Some(file) = &report.file {
                    p.muted { "The experiment is in " code { (shown(&file.display().to_string())) } "." }
                }
            }
        }
    }
}

/// A line breaks between words, and not at the dashes of an option.
fn words(command: &str) -> Markup {
    markup! {
        @for (index, word) in shown(command).split(' ').enumerate() {
            @if index > 0 { " " }
            span.word { (word) }
        }
    }
}

fn class(verdict: ExperimentVerdict) -> &'static str {
    match verdict {
        ExperimentVerdict::Completed => "ok",
        ExperimentVerdict::Deviated | ExperimentVerdict::Failed | ExperimentVerdict::NotRecovered => "bad",
        _ => "doubt",
    }
}

fn meaning(verdict: ExperimentVerdict) -> &'static str {
    match verdict {
        ExperimentVerdict::Completed => "The hypothesis held, and everything is undone.",
        ExperimentVerdict::DryRun => "This was a dry run: a part was left out.",
        ExperimentVerdict::Skipped => "The method was not begun, so nothing was put to the test.",
        ExperimentVerdict::NotRecovered => "Something is not undone. Look after it first.",
        ExperimentVerdict::Failed => "The method was not carried out as it should be. Everything is undone.",
        ExperimentVerdict::Deviated => "The system was not steady while or after. Everything is undone.",
        ExperimentVerdict::Inconclusive => {
            "Nobody could tell whether the hypothesis held. Everything is undone."
        }
    }
}
