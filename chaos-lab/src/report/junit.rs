use std::io;

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};

use super::{
    moments::Moments,
    step::{Step, StepOutcome, steps},
    text::shown,
};
use crate::run::{ExperimentReport, ExperimentVerdict, HypothesisLook};

/// JUnit's XML, for a build server: a suite for each run, with a case for each look at the hypothesis, each step, each
/// rollback, and the verdict.
///
/// A hypothesis that did not hold and a value that was not normal are failures, what failed or was interrupted is an
/// error, and what never began is skipped. The case of the verdict is not passed unless the run is completed, so that a
/// suite is not green for a run that is not.
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
/// let xml = chaos_lab::report::junit(&[run]);
/// assert!(xml.contains(r#"<testsuite name="Nothing happens" tests="2" failures="0" errors="0" skipped="0""#));
/// # Ok(())
/// # }
/// ```
pub fn junit(reports: &[ExperimentReport]) -> String {
    let suites: Vec<Suite> = reports.iter().map(Suite::of).collect();
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    // Nothing fails to be written to memory.
    let _ = write(&mut xml, &suites);
    let mut text = String::from_utf8(xml.into_inner()).unwrap_or_default();
    text.push('\n');
    text
}

#[derive(Debug)]
struct Suite {
    name: String,
    timestamp: String,
    seconds: f64,
    cases: Vec<Case>,
}

#[derive(Debug)]
struct Case {
    name: String,
    seconds: f64,
    result: CaseResult,
}

#[derive(Debug, PartialEq, Eq)]
enum CaseResult {
    Passed,
    Failure(String),
    Error(String),
    Skipped(String),
}

impl Suite {
    fn of(report: &ExperimentReport) -> Self {
        let (method, rollbacks) = steps(report);
        let mut cases = Vec::new();
        cases.extend(report.before.iter().map(|look| Case::of_look("hypothesis before", look, report)));
        cases.extend(during(report));
        cases.extend(method.iter().map(|step| Case::of_step("step", step)));
        cases.extend(report.after.iter().map(|look| Case::of_look("hypothesis after", look, report)));
        cases.extend(rollbacks.iter().map(|step| Case::of_step("rollback", step)));
        cases.push(verdict(report));
        Self {
            name: shown(&report.title),
            timestamp: report.start.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
            seconds: Moments::of(report).length,
            cases,
        }
    }

    fn count(&self, is_it: fn(&CaseResult) -> bool) -> usize {
        self.cases.iter().filter(|case| is_it(&case.result)).count()
    }
}

impl Case {
    fn of_look(name: &str, look: &HypothesisLook, report: &ExperimentReport) -> Self {
        let result = match look.why() {
            None => CaseResult::Passed,
            Some(why) if look.is_doubt() => CaseResult::Error(shown(&why)),
            // What is not steady from the beginning is no fault of the method.
            Some(why) if report.verdict == ExperimentVerdict::Skipped => CaseResult::Skipped(shown(&why)),
            Some(why) => CaseResult::Failure(shown(&why)),
        };
        let seconds = look.probes.iter().map(|run| run.duration.as_secs_f64()).sum();
        Self { name: name.to_owned(), seconds, result }
    }

    fn of_step(kind: &str, step: &Step<'_>) -> Self {
        let number = step.number.trim_start_matches('R');
        let result = match &step.outcome {
            StepOutcome::Done | StepOutcome::Hit(_) => CaseResult::Passed,
            StepOutcome::NotMet(why) => CaseResult::Failure(why.clone()),
            StepOutcome::Failed(why) => CaseResult::Error(why.clone()),
            outcome @ StepOutcome::Interrupted => CaseResult::Error(outcome.name().to_owned()),
            outcome @ StepOutcome::NeverBegan => CaseResult::Skipped(outcome.name().to_owned()),
        };
        let seconds = step.run.map_or(0.0, |run| run.duration.as_secs_f64());
        Self { name: format!("{kind} {number}. {}", step.name), seconds, result }
    }
}

/// The looks during the method, which are one case.
fn during(report: &ExperimentReport) -> Option<Case> {
    let looks = &report.during;
    let wrong = looks.iter().find(|look| !look.is_met() && !look.is_doubt());
    let wrong = wrong.or_else(|| looks.iter().find(|look| !look.is_met()));
    let shown = wrong.or(looks.first())?;
    let mut case = Case::of_look("hypothesis during", shown, report);
    case.seconds = looks.iter().flat_map(|look| &look.probes).map(|run| run.duration.as_secs_f64()).sum();
    Some(case)
}

fn verdict(report: &ExperimentReport) -> Case {
    let why = if report.reasons.is_empty() { report.verdict.to_string() } else { report.reasons.join("; ") };
    let why = shown(&why);
    let result = match report.verdict {
        ExperimentVerdict::Completed => CaseResult::Passed,
        ExperimentVerdict::Deviated => CaseResult::Failure(why),
        ExperimentVerdict::Skipped | ExperimentVerdict::DryRun => CaseResult::Skipped(why),
        _ => CaseResult::Error(why),
    };
    Case { name: "verdict".to_owned(), seconds: 0.0, result }
}

fn write(xml: &mut Writer<Vec<u8>>, suites: &[Suite]) -> io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all = |is_it| suites.iter().map(|suite| suite.count(is_it)).sum::<usize>().to_string();
    let tests: usize = suites.iter().map(|suite| suite.cases.len()).sum();
    let seconds: f64 = suites.iter().map(|suite| suite.seconds).sum();
    xml.create_element("testsuites")
        .with_attribute(("name", "chaos"))
        .with_attribute(("tests", tests.to_string().as_str()))
        .with_attribute(("failures", all(is_failure).as_str()))
        .with_attribute(("errors", all(is_error).as_str()))
        .with_attribute(("skipped", all(is_skipped).as_str()))
        .with_attribute(("time", time(seconds).as_str()))
        .write_inner_content(|xml| suites.iter().try_for_each(|suite| write_suite(xml, suite)))?;
    Ok(())
}

fn write_suite(xml: &mut Writer<Vec<u8>>, suite: &Suite) -> io::Result<()> {
    let name = allowed(&suite.name);
    xml.create_element("testsuite")
        .with_attribute(("name", name.as_str()))
        .with_attribute(("tests", suite.cases.len().to_string().as_str()))
        .with_attribute(("failures", suite.count(is_failure).to_string().as_str()))
        .with_attribute(("errors", suite.count(is_error).to_string().as_str()))
        .with_attribute(("skipped", suite.count(is_skipped).to_string().as_str()))
        .with_attribute(("time", time(suite.seconds).as_str()))
        .with_attribute(("timestamp", suite.timestamp.as_str()))
        .write_inner_content(|xml| suite.cases.iter().try_for_each(|case| write_case(xml, &name, case)))?;
    Ok(())
}

fn write_case(xml: &mut Writer<Vec<u8>>, suite: &str, case: &Case) -> io::Result<()> {
    let (name, seconds) = (allowed(&case.name), time(case.seconds));
    let element = xml
        .create_element("testcase")
        .with_attribute(("classname", suite))
        .with_attribute(("name", name.as_str()))
        .with_attribute(("time", seconds.as_str()));
    let (tag, why) = match &case.result {
        CaseResult::Passed => {
            element.write_empty()?;
            return Ok(());
        }
        CaseResult::Failure(why) => ("failure", allowed(why)),
        CaseResult::Error(why) => ("error", allowed(why)),
        CaseResult::Skipped(why) => ("skipped", allowed(why)),
    };
    element.write_inner_content(|xml| {
        let told = xml.create_element(tag).with_attribute(("message", why.as_str()));
        told.write_text_content(BytesText::new(&why))?;
        Ok(())
    })?;
    Ok(())
}

fn is_failure(result: &CaseResult) -> bool {
    matches!(result, CaseResult::Failure(_))
}

fn is_error(result: &CaseResult) -> bool {
    matches!(result, CaseResult::Error(_))
}

fn is_skipped(result: &CaseResult) -> bool {
    matches!(result, CaseResult::Skipped(_))
}

fn time(seconds: f64) -> String {
    format!("{seconds:.3}")
}

/// Without the characters that XML 1.0 does not allow, even escaped. Control characters are shown as text before.
fn allowed(text: &str) -> String {
    text.replace(
        |character: char| {
            let is_text = matches!(character, ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
            let is_allowed = is_text || matches!(character, '\t' | '\n' | '\r');
            !is_allowed
        },
        "\u{fffd}",
    )
}
