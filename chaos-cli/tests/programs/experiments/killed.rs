//! Crash proof of experiments: whenever `chaos run` is killed, `chaos recover` undoes what was begun.

use std::{env, time::Duration};

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::place::Place;
use crate::support::{Ended, SplitMix, end};

/// The number of experiments at the same time.
const LANES: usize = 4;
/// The steps of the method, and which of them have an undo.
pub(super) const STEPS: [(&str, bool); 5] =
    [("one", true), ("two", true), ("three", false), ("four", false), ("five", true)];
/// What is played after a whole method, in order, with what step four has printed.
pub(super) const PLAYED: [&str; 5] = ["undo-five", "undo-two", "undo-one", "roll-one", "roll-two four's own"];
/// Longer than any test.
const NEVER: u64 = 3600;
/// No process of an activity outlives the program by more than a second; the rest is for a busy machine.
const LEFT_WITHIN: Duration = Duration::from_secs(2);

/// Where the program is killed.
#[derive(Clone, Debug)]
enum Point {
    /// An activity has just begun, or is about to end: the `count`-th time.
    In(&'static str, &'static str, u32),
    /// In the pause before or after a step.
    Pause(&'static str, &'static str),
}

impl Point {
    fn all() -> Vec<Self> {
        let mut points = vec![Self::In("within", "three", 1)];
        for when in ["begin", "end"] {
            points.extend([1, 2].map(|count| Self::In(when, "steady", count)));
            let steps = STEPS.map(|(name, _)| name);
            let played = PLAYED.map(|name| name.split(' ').next().unwrap());
            points.extend(steps.into_iter().chain(played).map(|name| Self::In(when, name, 1)));
        }
        points.extend(["one", "three", "four", "five"].map(|name| Self::Pause("before", name)));
        points.extend(["one", "three", "four", "five"].map(|name| Self::Pause("after", name)));
        points
    }

    /// What is played afterwards, where it may be this or that.
    fn expected(&self) -> Vec<Vec<&'static str>> {
        let number = |name: &str| STEPS.iter().position(|(step, _)| *step == name).map(|index| index + 1);
        match self {
            // Nothing was injected.
            Self::In(_, "steady", 1) => vec![Vec::new()],
            // It runs in the background, and the next ones begin meanwhile.
            Self::In("begin", "two", _) => vec![played(2, false), played(4, true), played(5, true)],
            Self::In(_, "two", _) => vec![played(5, true)],
            Self::In(_, name, _) => {
                let begun = number(name).unwrap_or(STEPS.len());
                vec![played(begun, begun > 4)]
            }
            Self::Pause("before", name) => vec![played(number(name).unwrap() - 1, *name == "five")],
            Self::Pause(_, name) => vec![played(number(name).unwrap(), *name == "four" || *name == "five")],
        }
    }
}

/// What `recover` plays after the first `begun` steps. The rollback that needs what step four prints is left out as
/// long as that has not begun, and cannot be played as long as that has not printed it.
pub(super) fn played(begun: usize, has_printed: bool) -> Vec<&'static str> {
    let is_due = |played: &&&str| match played.strip_prefix("undo-") {
        Some(name) => STEPS[..begun].iter().any(|(step, _)| *step == name),
        None => has_printed || !played.starts_with("roll-two"),
    };
    PLAYED.iter().filter(is_due).copied().collect()
}

pub(super) fn experiment(place: &Place, pause: Option<(&str, &str)>) -> Value {
    let mut method = Vec::new();
    for (name, has_undo) in STEPS {
        let kind = if name == "four" { "probe" } else { "action" };
        let mut step = place.activity(kind, name, &[]);
        if has_undo {
            step["undo"] = place.activity("action", &format!("undo-{name}"), &[]);
        }
        if name == "two" {
            step["background"] = true.into();
        }
        if let Some((when, _)) = pause.filter(|(_, paused)| *paused == name) {
            step["pauses"] = json!({ when: NEVER });
        }
        method.push(step);
    }
    let mut probe = place.activity("probe", "steady", &[]);
    probe["tolerance"] = 0.into();
    // As a text of several words would be split by a shell, the output is one argument.
    let printed = "${steps.four.output.stdout}";
    json!({
        "title": "Killed", "description": "Whenever it is killed, what was begun is undone.",
        "steady-state-hypothesis": { "title": "It is steady", "probes": [probe] },
        "method": method,
        "rollbacks": [
            place.activity("action", "roll-one", &[]),
            place.activity("action", "roll-two", &[printed]),
        ],
    })
}

/// Checks that nothing of the killed program runs any more.
pub(super) async fn is_empty(place: &Place, after: &str) {
    let took = place.emptied().await;
    assert!(took < LEFT_WITHIN, "{after}: a process was left for {took:?}");
}

/// Whether step four has begun, but what it prints is not known: nobody can tell what the rollback that needs it
/// would undo.
fn is_unknown(fault: &Value) -> bool {
    let progress = &fault["progress"];
    progress["steps_begun"].as_u64().is_some_and(|begun| begun >= 4) && progress["outputs"]["four"].is_null()
}

/// Checks that nothing is left to do but what a person has to.
pub(super) async fn is_recovered(place: &Place, recovered: &Ended, after: &str) {
    let faults = place.history().await;
    let is_left = faults.iter().any(is_unknown);
    assert_eq!(recovered.status.code(), Some(if is_left { 4 } else { 0 }), "{after}: {recovered:#?}");
    assert_eq!(recovered.stdout.contains("no step has yielded that"), is_left, "{after}: {recovered:#?}");
    for fault in faults {
        let expected = if is_unknown(&fault) { "recovery-failed" } else { "recovered" };
        assert_eq!(fault["state"], expected, "{after}: {fault:#}");
    }
    assert!(place.toolkit_journal().is_some(), "{after}: no journal");
    is_empty(place, after).await;
}

async fn killed_at(point: Point) {
    let after = format!("killed at {point:?}");
    let mut place = Place::new();
    let pause = match point {
        Point::Pause(when, name) => Some((when, name)),
        Point::In(when, name, count) => {
            place.stay(when, name, count);
            None
        }
    };
    place.write("experiment.json", &experiment(&place, pause));
    let mut program = place.run(&[]).spawn().unwrap();
    match point {
        Point::In(when, name, _) => assert_eq!(place.said().await, format!("{when} {name}")),
        Point::Pause(when, name) => {
            let is_there = |step: &Value| {
                step["activity"]["name"] == name && (when == "before" || !step["end"].is_null())
            };
            place.journal_has(|journal| journal["run"].as_array().unwrap().iter().any(is_there)).await;
        }
    }
    program.start_kill().unwrap();
    assert!(end(program).await.was_killed(), "{after}");
    is_empty(&place, &after).await;
    assert!(place.toolkit_journal().is_some(), "{after}: no journal");
    place.go_on();
    let before = place.begun().len();
    let recovered = place.recover().await;
    let (expected, played) = (point.expected(), place.begun().split_off(before));
    let is_expected = expected.iter().any(|expected| *expected == played);
    assert!(is_expected, "{after}: played {played:?}, not one of {expected:?}: {recovered:#?}");
    is_recovered(&place, &recovered, &after).await;
}

/// The whole with `CHAOS_LONG=1`, otherwise a drawn part.
pub(super) fn part(whole: usize, drawn: usize) -> usize {
    if env::var_os("CHAOS_LONG").is_some_and(|value| value == "1") { whole } else { drawn }
}

#[tokio::test]
async fn killed_before_and_after_every_activity() {
    let mut random = SplitMix::drawn();
    let mut points = Point::all();
    points.sort_by_cached_key(|_| random.next());
    points.truncate(part(usize::MAX, 12));
    println!("{}", random.origin());
    // Each of them is seen to its end.
    let ended = stream::iter(points).map(|point| tokio::spawn(killed_at(point))).buffer_unordered(LANES);
    let failed = ended.filter(|ended| std::future::ready(ended.is_err())).count().await;
    assert_eq!(failed, 0, "see above");
}

#[tokio::test]
async fn a_recovery_that_is_killed_half_way_is_played_again() {
    for (when, name) in [("begin", "undo-two"), ("end", "roll-one")] {
        let after = format!("recover killed at {when} {name}");
        let mut place = Place::new();
        place.stay("end", "five", 1);
        place.write("experiment.json", &experiment(&place, None));
        let mut program = place.run(&[]).spawn().unwrap();
        place.said().await;
        program.start_kill().unwrap();
        end(program).await;
        place.go_on();
        place.stay(when, name, 1);
        let mut recovery = place.chaos(&["recover", "--journal", "experiments.journal"]).spawn().unwrap();
        assert_eq!(place.said().await, format!("{when} {name}"));
        recovery.start_kill().unwrap();
        assert!(end(recovery).await.was_killed(), "{after}");
        is_empty(&place, &after).await;
        place.go_on();
        let before = place.begun().len();
        let recovered = place.recover().await;
        assert_eq!(place.begun()[before..], PLAYED, "{after}: {recovered:#?}");
        is_recovered(&place, &recovered, &after).await;
    }
}
