use chaos_core::observer::Activity;

use super::summary::humanly;

/// A live line about the steady state.
#[derive(Debug, PartialEq)]
pub(super) struct Steadiness {
    pub(super) name: &'static str,
    pub(super) text: String,
    pub(super) is_steady: bool,
}

impl Steadiness {
    /// The line about this activity, if it is about the steady state.
    pub(super) fn of(activity: &Activity) -> Option<Self> {
        match activity {
            Activity::SteadyStateMet { phase, probe, value, .. } => {
                Some(Self::steady(format!("{phase} the fault: {probe}: {value}")))
            }
            Activity::SteadyStateViolated { phase, probe, why, .. } => {
                Some(Self::not_steady(format!("{phase} the fault: {probe}: {why}")))
            }
            Activity::SteadyAgain { time_to_settle, .. } => {
                let after = time_to_settle.map(|time| format!(", {} after the recovery", humanly(time)));
                Some(Self::steady(format!("again{}", after.unwrap_or_default())))
            }
            Activity::NotSteadyAgain { why, .. } => Some(Self::not_steady(format!("after the fault: {why}"))),
            _ => None,
        }
    }

    fn steady(text: String) -> Self {
        Self { name: "steady", text, is_steady: true }
    }

    fn not_steady(text: String) -> Self {
        Self { name: "not steady", text, is_steady: false }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn line(mut activity: Value) -> Option<(String, bool)> {
        activity["run"] = json!("0000000000000001");
        let line = Steadiness::of(&serde_json::from_value(activity).unwrap())?;
        Some((format!("{} {}", line.name, line.text), line.is_steady))
    }

    #[test]
    fn each_activity_about_the_steady_state_has_a_line() {
        let met = json!({ "activity": "steady-state-met", "phase": "before", "probe": "home page", "value": "200" });
        let violated = json!({
            "activity": "steady-state-violated", "phase": "during", "probe": "home page", "why": "503, expected 200",
        });
        let again = json!({ "activity": "steady-again", "time_to_settle": 0.8 });
        let untimed = json!({ "activity": "steady-again", "time_to_settle": null });
        let not_again = json!({ "activity": "not-steady-again", "why": "home page: 503, expected 200" });
        for (activity, text, is_steady) in [
            (met, "steady before the fault: home page: 200", true),
            (violated, "not steady during the fault: home page: 503, expected 200", false),
            (again, "steady again, 800 ms after the recovery", true),
            (untimed, "steady again", true),
            (not_again, "not steady after the fault: home page: 503, expected 200", false),
        ] {
            assert_eq!(line(activity), Some((text.to_owned(), is_steady)));
        }
        assert_eq!(line(json!({ "activity": "halted", "reason": "a deployment" })), None);
    }
}
