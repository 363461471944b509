use serde_json::Value;

use super::text::shown;
use crate::run::{ActivityRun, ActivityStatus, ExperimentReport};

/// A step of the method, or a rollback.
#[derive(Debug)]
pub(super) struct Step<'a> {
    /// As in "2" and "R1".
    pub(super) number: String,
    pub(super) name: String,
    pub(super) is_rollback: bool,
    pub(super) is_action: bool,
    pub(super) outcome: StepOutcome,
    /// `None` if it never began.
    pub(super) run: Option<&'a ActivityRun>,
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StepOutcome {
    Done,
    /// It is done, and has hit these targets.
    Hit(String),
    /// And why.
    Failed(String),
    /// Why its value was not normal.
    NotMet(String),
    Interrupted,
    NeverBegan,
}

/// The steps of the method and the rollbacks, with those that never began.
pub(super) fn steps(report: &ExperimentReport) -> (Vec<Step<'_>>, Vec<Step<'_>>) {
    let document = &report.document;
    let mut method = begun(&report.method, false);
    for activity in in_document(document, "method").iter().skip(method.len()) {
        method.push(Step::never_began(method.len(), activity, false));
    }
    let mut rollbacks = begun(&report.rollbacks, true);
    for activity in in_document(document, "rollbacks") {
        let name = name_of(activity);
        if !report.rollbacks.iter().any(|run| run.name == name) {
            rollbacks.push(Step::never_began(rollbacks.len(), activity, true));
        }
    }
    (method, rollbacks)
}

fn begun(runs: &[ActivityRun], is_rollback: bool) -> Vec<Step<'_>> {
    let steps = runs.iter().enumerate().map(|(index, run)| Step {
        number: number_of(index, is_rollback),
        name: shown(&run.name),
        is_rollback,
        is_action: is_action(&run.activity),
        outcome: StepOutcome::of(run),
        run: Some(run),
    });
    steps.collect()
}

fn in_document<'a>(document: &'a Value, section: &str) -> &'a [Value] {
    document[section].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn name_of(activity: &Value) -> &str {
    let name = activity.get("name").or_else(|| activity.get("ref")).and_then(Value::as_str);
    name.unwrap_or("a step without a name")
}

fn number_of(index: usize, is_rollback: bool) -> String {
    format!("{}{}", if is_rollback { "R" } else { "" }, index + 1)
}

fn is_action(activity: &Value) -> bool {
    activity["type"] != "probe"
}

impl Step<'_> {
    fn never_began(index: usize, activity: &Value, is_rollback: bool) -> Self {
        Self {
            number: number_of(index, is_rollback),
            name: shown(name_of(activity)),
            is_rollback,
            is_action: is_action(activity),
            outcome: StepOutcome::NeverBegan,
            run: None,
        }
    }
}

impl StepOutcome {
    fn of(run: &ActivityRun) -> Self {
        let why = || run.exception.as_deref().map_or_else(|| "failed".to_owned(), shown);
        match (run.status, run.bad_status(), &run.not_met) {
            (None, ..) => Self::Interrupted,
            (Some(ActivityStatus::Failed), ..) => Self::Failed(why()),
            // A probe may tell something by its exit status.
            (_, Some(status), _) if is_action(&run.activity) => {
                let of = if run.activity["provider"]["type"] == "http" { "status" } else { "exit status" };
                Self::Failed(format!("{of} {status}"))
            }
            (.., Some(why)) => Self::NotMet(shown(why)),
            _ => match run.hit().as_slice() {
                [] => Self::Done,
                hit => Self::Hit(shown(&format!("hit {}", hit.join(", ")))),
            },
        }
    }

    /// In one or two words.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Done | Self::Hit(_) => "done",
            Self::Failed(_) => "failed",
            Self::NotMet(_) => "not met",
            Self::Interrupted => "interrupted",
            Self::NeverBegan => "never began",
        }
    }

    /// What there is to say beside its name.
    pub(super) fn why(&self) -> Option<&str> {
        match self {
            Self::Failed(why) | Self::NotMet(why) | Self::Hit(why) => Some(why),
            _ => None,
        }
    }
}
