//! How long an experiment lasts if it is not stopped, and which effects its end does not undo.
//!
//! Source: the [reference of actions](https://docs.aws.amazon.com/fis/latest/userguide/fis-actions-reference.html).

use std::{collections::BTreeMap, time::Duration};

use jiff::{SpanRelativeTo, fmt::temporal::SpanParser};
use serde_json::Value;

use super::template::{Action, Template};

/// The parameters with the duration of an action, in ISO 8601.
const DURATIONS: [&str; 4] =
    ["duration", "maxDuration", "startInstancesAfterDuration", "durationBeforeInterruption"];

const SPOT_INTERRUPTION: &str = "aws:ec2:send-spot-instance-interruptions";
const SEND_COMMAND: &str = "aws:ssm:send-command";

/// The time between the notice of a spot interruption and the interruption, which the parameter of its action does not
/// include.
const SPOT_NOTICE: Duration = Duration::from_secs(120);

/// The momentary actions, and the effects that the service does not undo.
const MOMENTARY: [(&str, Option<&str>); 10] = [
    ("aws:cloudwatch:assert-alarm-state", None),
    ("aws:ec2:reboot-instances", None),
    ("aws:ec2:stop-instances", Some("stops instances and does not start them again")),
    ("aws:ec2:terminate-instances", Some("terminates instances")),
    ("aws:ecs:stop-task", Some("stops tasks")),
    ("aws:ecs:task-kill-process", Some("kills processes of tasks")),
    ("aws:eks:pod-delete", Some("deletes pods")),
    ("aws:eks:terminate-nodegroup-instances", Some("terminates instances of node groups")),
    ("aws:rds:failover-db-cluster", Some("fails database clusters over")),
    ("aws:rds:reboot-db-instances", None),
];

/// The longest path through the actions, each after those that it waits for, or the reason why it is unknown.
pub(super) fn longest(template: &Template) -> Result<Duration, String> {
    let mut ends = BTreeMap::new();
    let mut longest = Duration::ZERO;
    for name in template.actions.keys() {
        longest = longest.max(end(template, name, &mut ends, &mut Vec::new())?);
    }
    Ok(longest)
}

/// The effects that stay when the experiment is over.
pub(super) fn left_behind(template: &Template) -> Vec<String> {
    let mut left: Vec<String> = template.actions.values().filter_map(leaves).collect();
    left.sort_unstable();
    left.dedup();
    left
}

/// The latest end of the action with this name, from the start of the experiment.
fn end<'a>(
    template: &'a Template,
    name: &'a str,
    ends: &mut BTreeMap<&'a str, Duration>,
    waiting: &mut Vec<&'a str>,
) -> Result<Duration, String> {
    if let Some(end) = ends.get(name) {
        return Ok(*end);
    }
    let action =
        template.actions.get(name).ok_or_else(|| format!("there is no action {name:?} to wait for"))?;
    if waiting.contains(&name) {
        return Err(format!("the action {name:?} waits for itself"));
    }
    waiting.push(name);
    let mut begin = Duration::ZERO;
    for before in &action.start_after {
        begin = begin.max(end(template, before, ends, waiting)?);
    }
    waiting.pop();
    let takes = takes(action).map_err(|why| format!("the action {name:?} ({}) {why}", action.id))?;
    let end = begin.saturating_add(takes);
    ends.insert(name, end);
    Ok(end)
}

/// The maximum duration of an action.
fn takes(action: &Action) -> Result<Duration, String> {
    let mut told = None;
    for (parameter, value) in &action.parameters {
        let names_a_duration = parameter.to_ascii_lowercase().contains("duration");
        if DURATIONS.contains(&parameter.as_str()) {
            told = told.max(Some(iso_8601(parameter, value)?));
        } else if names_a_duration {
            return Err(format!("has a parameter {parameter:?} that this version does not know"));
        }
    }
    let is_momentary = || MOMENTARY.iter().any(|(id, _)| *id == action.id);
    match (action.id.as_str(), told) {
        (SPOT_INTERRUPTION, told) => Ok(told.unwrap_or(SPOT_NOTICE).saturating_add(SPOT_NOTICE)),
        (SEND_COMMAND, Some(told)) => Ok(told.max(document_seconds(action)?)),
        (_, Some(told)) => Ok(told),
        (_, None) if is_momentary() => Ok(Duration::ZERO),
        (_, None) => Err("does not say how long it takes".to_owned()),
    }
}

/// A duration such as `PT5M`.
fn iso_8601(parameter: &str, value: &str) -> Result<Duration, String> {
    let wrong = || format!("has {parameter} {value:?}, which is not a duration of ISO 8601");
    let span = SpanParser::new().parse_span(value).map_err(|_| wrong())?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    Duration::try_from(duration).map_err(|_| wrong())
}

/// The duration of the service's documents on the instance, which may be longer than the service waits for them.
fn document_seconds(action: &Action) -> Result<Duration, String> {
    let Some(text) = action.parameters.get("documentParameters") else { return Ok(Duration::ZERO) };
    let wrong = || format!("has document parameters that cannot be read: {text}");
    let parameters: Value = serde_json::from_str(text).map_err(|_| wrong())?;
    let seconds = match parameters.get("DurationSeconds") {
        None => return Ok(Duration::ZERO),
        Some(Value::Array(values)) if values.len() == 1 => &values[0],
        Some(value) => value,
    };
    let seconds = match seconds {
        Value::String(text) => text.trim().parse().ok(),
        number => number.as_u64(),
    };
    seconds.map(Duration::from_secs).ok_or_else(wrong)
}

fn leaves(action: &Action) -> Option<String> {
    let document = action.parameters.get("documentArn").map(String::as_str).unwrap_or_default();
    let has_no_end = !action.parameters.keys().any(|parameter| DURATIONS.contains(&parameter.as_str()));
    match action.id.as_str() {
        SPOT_INTERRUPTION => Some("interrupts spot instances".to_owned()),
        // The documents of the service clean up their effects.
        SEND_COMMAND if !document.contains(":document/AWSFIS-") => {
            Some(format!("runs {document}, and only its author knows what it leaves behind"))
        }
        "aws:ssm:start-automation-execution" => {
            Some(format!("runs {document}, and only its author knows what it leaves behind"))
        }
        id if has_no_end => MOMENTARY.iter().find(|(momentary, _)| *momentary == id)?.1.map(str::to_owned),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn action(id: &str, parameters: &[(&str, &str)], start_after: &[&str]) -> Action {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Action {
            id: id.to_owned(),
            parameters: parameters.collect(),
            targets: Vec::new(),
            start_after: start_after.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    fn template<'a>(actions: impl IntoIterator<Item = (&'a str, Action)>) -> Template {
        let actions = actions.into_iter().map(|(name, action)| (name.to_owned(), action)).collect();
        Template { actions, ..Template::default() }
    }

    fn one(id: &str, parameters: &[(&str, &str)]) -> Template {
        template([("it", action(id, parameters, &[]))])
    }

    #[test]
    fn every_kind_of_action_has_its_length() {
        let command = |parameters| {
            let arn = ("documentArn", "arn:aws:ssm:eu-west-1::document/AWSFIS-Run-CPU-Stress");
            one(SEND_COMMAND, &[arn, ("documentParameters", parameters), ("duration", "PT5M")])
        };
        for (template, seconds) in [
            (template([]), 0),
            (one("aws:fis:wait", &[("duration", "PT5M")]), 300),
            (one("aws:fis:wait", &[("duration", "PT1H30M5S")]), 5405),
            (one("aws:fis:wait", &[("duration", "P1DT1H")]), 25 * 3600),
            (one("aws:network:something-new", &[("duration", "PT12H"), ("scope", "all")]), 12 * 3600),
            (one("aws:ssm:start-automation-execution", &[("maxDuration", "PT10M")]), 600),
            (one("aws:ec2:stop-instances", &[("startInstancesAfterDuration", "PT2M")]), 120),
            (one("aws:ec2:stop-instances", &[]), 0),
            (one("aws:ec2:reboot-instances", &[]), 0),
            (one("aws:ec2:terminate-instances", &[]), 0),
            (one(SPOT_INTERRUPTION, &[("durationBeforeInterruption", "PT15M")]), 17 * 60),
            (one(SPOT_INTERRUPTION, &[]), 240),
            (command(r#"{"DurationSeconds": "60"}"#), 300),
            (command(r#"{"DurationSeconds": ["600"]}"#), 600),
            (command(r#"{"DurationSeconds": 601, "CPU": "0"}"#), 601),
            (command("{}"), 300),
        ] {
            assert_eq!(longest(&template), Ok(Duration::from_secs(seconds)), "{template:?}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_a_doubt() {
        let command =
            |parameters| one(SEND_COMMAND, &[("documentParameters", parameters), ("duration", "PT5M")]);
        for (template, why) in [
            (one("aws:new:thing", &[]), "the action \"it\" (aws:new:thing) does not say how long it takes"),
            (one(SEND_COMMAND, &[]), "does not say how long it takes"),
            (one("aws:fis:wait", &[("duration", "5 minutes")]), "not a duration of ISO 8601"),
            (one("aws:fis:wait", &[("duration", "-PT5M")]), "not a duration of ISO 8601"),
            (one("aws:fis:wait", &[("duration", "P1M")]), "not a duration of ISO 8601"),
            (one("aws:fis:wait", &[("duration", "")]), "not a duration of ISO 8601"),
            (
                one("aws:ec2:reboot-instances", &[("restDuration", "PT5M")]),
                "\"restDuration\" that this version",
            ),
            (command("DurationSeconds=60"), "cannot be read"),
            (command(r#"{"DurationSeconds": "{{ seconds }}"}"#), "cannot be read"),
            (command(r#"{"DurationSeconds": ["60", "600"]}"#), "cannot be read"),
            (
                template([("a", action("aws:ec2:reboot-instances", &[], &["b"]))]),
                "no action \"b\" to wait for",
            ),
            (
                template([
                    ("a", action("aws:ec2:reboot-instances", &[], &["b"])),
                    ("b", action("aws:ec2:reboot-instances", &[], &["a"])),
                ]),
                "waits for itself",
            ),
        ] {
            let error = longest(&template).expect_err(why);
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn actions_that_wait_for_each_other_add_up_and_others_do_not() {
        let wait = |minutes: &str, after: &[&str]| action("aws:fis:wait", &[("duration", minutes)], after);
        let actions = [
            ("a", wait("PT1M", &[])),
            ("b", wait("PT10M", &[])),
            ("c", wait("PT2M", &["a"])),
            ("d", wait("PT3M", &["a", "c"])),
            ("e", wait("PT5M", &["d", "a"])),
        ];
        assert_eq!(longest(&template(actions)), Ok(Duration::from_secs(11 * 60)));
    }

    #[test]
    fn what_its_end_does_not_undo_is_said() {
        let stop = |parameters: &[(&str, &str)]| left_behind(&one("aws:ec2:stop-instances", parameters));
        assert!(stop(&[("startInstancesAfterDuration", "PT2M")]).is_empty());
        assert_eq!(stop(&[]), ["stops instances and does not start them again"]);
        assert_eq!(left_behind(&one("aws:ec2:terminate-instances", &[])), ["terminates instances"]);
        assert!(left_behind(&one("aws:ec2:reboot-instances", &[])).is_empty());
        let own = one(
            SEND_COMMAND,
            &[("documentArn", "arn:aws:ssm:eu-west-1:1:document/Own"), ("duration", "PT1M")],
        );
        assert!(left_behind(&own)[0].contains("document/Own"), "{:?}", left_behind(&own));
        let arn = ("documentArn", "arn:aws:ssm:eu-west-1::document/AWSFIS-Run-CPU-Stress");
        assert!(left_behind(&one(SEND_COMMAND, &[arn, ("duration", "PT1M")])).is_empty());
    }

    /// Up to nine waits of some minutes, each after any of those before it.
    fn waits() -> impl Strategy<Value = Vec<(u64, Vec<usize>)>> {
        prop::collection::vec((1..600u64, prop::collection::vec(0..9usize, 0..4)), 1..9).prop_map(
            |mut waits| {
                for (number, (_, after)) in waits.iter_mut().enumerate() {
                    after.retain(|before| *before < number);
                }
                waits
            },
        )
    }

    proptest! {
        #[test]
        fn the_longest_is_that_of_a_run_minute_by_minute(waits in waits()) {
            let actions: BTreeMap<String, Action> = waits
                .iter()
                .enumerate()
                .map(|(number, (minutes, after))| {
                    let start_after = after.iter().map(|before| format!("a{before}")).collect();
                    let parameters = BTreeMap::from([("duration".to_owned(), format!("PT{minutes}M"))]);
                    let id = "aws:fis:wait".to_owned();
                    // In another order than they run in.
                    (format!("a{number}"), Action { id, parameters, start_after, targets: Vec::new() })
                })
                .collect();
            let mut left: Vec<u64> = waits.iter().map(|(minutes, _)| *minutes).collect();
            let mut minutes = 0;
            while left.iter().any(|left| *left > 0) {
                let is_over: Vec<bool> = left.iter().map(|left| *left == 0).collect();
                for (number, (_, after)) in waits.iter().enumerate() {
                    if left[number] > 0 && after.iter().all(|before| is_over[*before]) {
                        left[number] -= 1;
                    }
                }
                minutes += 1;
            }
            let template = Template { actions, ..Template::default() };
            prop_assert_eq!(longest(&template), Ok(Duration::from_secs(minutes * 60)));
        }

        #[test]
        fn no_text_is_taken_for_a_duration_by_mistake(text in "\\PC{0,12}") {
            if let Ok(duration) = iso_8601("duration", &text) {
                prop_assert!(text.starts_with(['P', 'p', '+']), "{text:?} is {duration:?}");
            }
        }
    }
}
