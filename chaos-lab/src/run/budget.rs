use std::time::Duration;

use serde_json::Value;

use crate::{
    experiment::{Activity, Experiment, Provider},
    functions::Function,
};

/// How long a rollback without a time limit of its own may take.
pub(crate) const LONGEST: Duration = Duration::from_secs(300);

/// How long the recovery of a fault in a group may take. A group replaces a member in minutes.
pub(crate) const BACK_WITHIN: Duration = Duration::from_secs(900);

/// How many times over the rollbacks may be played: one attempt gets a third of the budget of a recovery.
const ATTEMPTS: u32 = 3;

/// The time for the rollbacks of an experiment and for what comes before them: the recoveries of its events, side by
/// side. Until it is over after the deadline, no other process takes over from one that hangs, so it is no longer than
/// the time limits of the activities need.
pub(crate) fn budget(experiment: &Experiment) -> Duration {
    let undo = experiment.method.iter().filter_map(|step| step.undo.as_ref());
    let played = undo.chain(&experiment.rollbacks).map(|activity| limit(activity));
    let injects = |step: &std::sync::Arc<Activity>| match &step.provider {
        Provider::Python(python) => Function::of(python).is_some_and(Function::is_event),
        _ => false,
    };
    let events = if experiment.method.iter().any(injects) { BACK_WITHIN } else { LONGEST };
    let longest = played.fold(events, Duration::saturating_add);
    longest.saturating_mul(ATTEMPTS)
}

/// The longest that an activity and its pauses may take.
fn limit(activity: &Activity) -> Duration {
    let pauses = [&activity.pauses.before, &activity.pauses.after];
    let pauses =
        pauses.into_iter().flatten().filter_map(seconds).fold(Duration::ZERO, Duration::saturating_add);
    let own = match &activity.provider {
        Provider::Process(process) => process.timeout,
        Provider::Http(http) => {
            let once = match &http.timeout {
                Value::Array(parts) => parts.iter().map(seconds).sum::<Option<Duration>>(),
                other => seconds(other),
            };
            once.map(|once| once.saturating_mul(http.max_retries.saturating_add(1)))
        }
        Provider::Python(python) => python.timeout,
        Provider::Chaos(_) => None,
    };
    own.unwrap_or(LONGEST).saturating_add(pauses)
}

fn seconds(value: &Value) -> Option<Duration> {
    Duration::try_from_secs_f64(value.as_f64()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::experiment::ReadOptions;

    fn minutes(rollbacks: &Value) -> u64 {
        let document = json!({ "title": "t", "description": "d", "method": [], "rollbacks": rollbacks });
        let experiment = Experiment::from_document(document, &ReadOptions::default()).unwrap();
        budget(&experiment).as_secs() / 60
    }

    fn rollback(timeout: &Value) -> Value {
        let provider = json!({ "type": "process", "path": "sh", "timeout": timeout });
        json!({ "type": "action", "name": "a", "provider": provider, "pauses": { "after": 60 } })
    }

    /// A rollback of two hours is not cut off, and one of a minute does not keep others waiting for hours.
    #[test]
    fn the_budget_is_as_long_as_the_rollbacks_may_take() {
        assert_eq!(minutes(&json!([])), 15);
        assert_eq!(minutes(&json!([rollback(&json!(60))])), 3 * (5 + 1 + 1));
        assert_eq!(minutes(&json!([rollback(&json!(7200)), rollback(&Value::Null)])), 3 * (5 + 121 + 6));
    }
}
