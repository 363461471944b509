//! The definition of an experiment: its actions, its maximum duration if it is not stopped, and the effects that its
//! end does not undo.
//!
//! Steps run one after another, the branches of a step concurrently, and the actions of a branch one after another.

use std::{collections::BTreeMap, time::Duration};

use jiff::{SpanRelativeTo, fmt::temporal::SpanParser};
use serde::Deserialize;

/// An experiment, with the parts that tell its effects.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Definition {
    pub(super) steps: Vec<Step>,
    pub(super) selectors: Vec<Selector>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Step {
    pub(super) branches: Vec<Branch>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Branch {
    pub(super) actions: Vec<Action>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Action {
    /// `continuous`, which Chaos Studio ends; `discrete`, which is momentary; or `delay`.
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// Such as `urn:csci:microsoft:virtualMachine:shutdown/1.0`.
    pub(super) name: String,
    #[serde(default)]
    duration: Option<String>,
    #[serde(default)]
    parameters: Vec<Parameter>,
    /// Its targets.
    #[serde(default)]
    pub(super) selector_id: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Parameter {
    key: String,
    value: String,
}

/// Targets of Chaos Studio, each of a resource.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Selector {
    pub(super) id: String,
    /// `List`, or `Query`, which finds them when the experiment begins.
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// The targets of a list; a query finds them later.
    #[serde(default)]
    pub(super) targets: Option<Vec<Target>>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Target {
    /// The id of a resource, with `/providers/Microsoft.Chaos/targets/NAME` at its end.
    pub(super) id: String,
}

impl Definition {
    pub(super) fn actions(&self) -> impl Iterator<Item = &Action> {
        self.steps.iter().flat_map(|step| &step.branches).flat_map(|branch| &branch.actions)
    }

    /// The maximum duration, or the reason why it is unknown.
    pub(super) fn longest(&self) -> Result<Duration, String> {
        let mut longest = Duration::ZERO;
        for step in &self.steps {
            let mut of_step = Duration::ZERO;
            for branch in &step.branches {
                let takes: Vec<Duration> =
                    branch.actions.iter().map(Action::takes).collect::<Result<_, _>>()?;
                let of_branch =
                    takes.into_iter().fold(Duration::ZERO, |sum, takes| sum.saturating_add(takes));
                of_step = of_step.max(of_branch);
            }
            longest = longest.saturating_add(of_step);
        }
        Ok(longest)
    }

    /// The effects that stay when it is over: those of its discrete actions, and those that a cancel does not end.
    pub(super) fn left_behind(&self) -> Vec<String> {
        let left = self.actions().filter_map(|action| match (action.is("discrete"), action.runs_on()) {
            (true, _) => Some(format!("does {} and does not undo it", action.name)),
            (false, true) => {
                Some(format!("does {}, which continues to its own end when it is cancelled", action.name))
            }
            (false, false) => None,
        });
        let mut left: Vec<String> = left.collect();
        left.sort_unstable();
        left.dedup();
        left
    }

    /// Facts for the person who runs it.
    pub(super) fn notes(&self) -> Vec<String> {
        let actions = self.actions().filter(|action| !action.is("delay"));
        let actions = actions.map(|action| match &action.selector_id {
            Some(selector) => format!("it does {} on {selector}", action.name),
            None => format!("it does {}", action.name),
        });
        let mut targets: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for selector in &self.selectors {
            let ids = selector.targets.iter().flatten().map(|target| target.id.as_str());
            targets.entry(&selector.id).or_default().extend(ids);
        }
        let targets = targets.into_iter().map(|(selector, ids)| match &ids[..] {
            [] => format!("its selector {selector} finds targets when it begins"),
            ids => format!("its selector {selector} is {}", ids.join(", ")),
        });
        actions.chain(targets).collect()
    }
}

impl Action {
    pub(super) fn is(&self, kind: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind)
    }

    /// Whether it cannot be cancelled, like the network isolation of the agent, see
    /// <https://learn.microsoft.com/azure/chaos-studio/chaos-studio-fault-library>.
    fn runs_on(&self) -> bool {
        self.name.to_ascii_lowercase().contains(":networkisolation/")
    }

    pub(super) fn parameter(&self, key: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|parameter| parameter.key == key)
            .map(|parameter| parameter.value.as_str())
    }

    fn takes(&self) -> Result<Duration, String> {
        match (self.duration.as_deref(), self.is("discrete")) {
            (Some(duration), _) => iso_8601(duration).ok_or_else(|| {
                format!("the action {} lasts {duration:?}, which is not a duration of ISO 8601", self.name)
            }),
            (None, true) => Ok(Duration::ZERO),
            (None, false) => Err(format!("the action {} does not say how long it takes", self.name)),
        }
    }
}

/// A duration such as `PT5M`.
fn iso_8601(text: &str) -> Option<Duration> {
    let span = SpanParser::new().parse_span(text).ok()?;
    Duration::try_from(span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const SHUTDOWN: &str = "urn:csci:microsoft:virtualMachine:shutdown/1.0";

    fn of(steps: Value) -> Definition {
        serde_json::from_value(json!({ "steps": steps, "selectors": [] })).unwrap()
    }

    fn continuous(duration: &str) -> Value {
        json!({ "type": "continuous", "name": SHUTDOWN, "duration": duration, "selectorId": "s" })
    }

    fn delay(duration: &str) -> Value {
        json!({ "type": "delay", "name": "urn:csci:microsoft:chaosStudio:timedDelay/1.0", "duration": duration })
    }

    fn discrete(name: &str) -> Value {
        json!({ "type": "discrete", "name": name, "parameters": [], "selectorId": "s" })
    }

    #[test]
    fn steps_and_actions_add_up_and_branches_run_side_by_side() {
        let step = |branches: Value| json!({ "name": "step", "branches": branches });
        let branch = |actions: Value| json!({ "name": "branch", "actions": actions });
        for (steps, minutes) in [
            (json!([]), 0),
            (json!([step(json!([branch(json!([continuous("PT10M")]))]))]), 10),
            (json!([step(json!([branch(json!([delay("PT5M"), continuous("PT10M")]))]))]), 15),
            (
                json!([step(json!([branch(json!([continuous("PT10M")])), branch(json!([delay("PT1H")]))]))]),
                60,
            ),
            (
                json!([
                    step(json!([branch(json!([continuous("PT10M")])), branch(json!([delay("PT3M")]))])),
                    step(json!([branch(json!([discrete("urn:a:b/1.0"), continuous("PT5M")]))])),
                ]),
                15,
            ),
        ] {
            assert_eq!(of(steps.clone()).longest(), Ok(Duration::from_secs(60 * minutes)), "{steps}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_a_doubt() {
        let steps = |action: Value| json!([{ "branches": [{ "actions": [action] }] }]);
        for (action, why) in [
            (json!({ "type": "continuous", "name": SHUTDOWN }), "does not say how long it takes"),
            (json!({ "type": "something", "name": "x" }), "does not say how long it takes"),
            (continuous("10 minutes"), "not a duration of ISO 8601"),
            (continuous("-PT5M"), "not a duration of ISO 8601"),
            (continuous("P1M"), "not a duration of ISO 8601"),
        ] {
            let error = of(steps(action)).longest().expect_err(why);
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn what_is_not_undone_is_said() {
        let steps = json!([{ "branches": [{ "actions": [
            continuous("PT1M"), discrete("urn:b/1.0"), discrete("urn:a/1.0"), discrete("urn:b/1.0"),
            { "type": "continuous", "name": "urn:csci:microsoft:agent:networkIsolation/1.0", "duration": "PT1M" },
        ] }] }]);
        let definition = of(steps);
        let does = |name: &str| format!("does {name} and does not undo it");
        let isolates = "does urn:csci:microsoft:agent:networkIsolation/1.0, which continues to its own end when \
                        it is cancelled";
        assert_eq!(definition.left_behind(), [does("urn:a/1.0"), does("urn:b/1.0"), isolates.to_owned()]);
        assert!(definition.notes().iter().any(|note| note.contains(SHUTDOWN)), "{:?}", definition.notes());
    }
}
