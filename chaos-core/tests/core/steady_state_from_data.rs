//! A steady state from data is the one that the builder makes, and each mistake is told with its path.

use chaos_core::{
    SteadyState, Tolerance,
    catalogue::{Parameter, ProbeCatalogue, ProbeSpec},
    probe,
    steady_state::{Look, Phase},
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;

fn catalogue() -> ProbeCatalogue {
    let spec =
        ProbeSpec::new("queue", "The messages that wait").with(Parameter::text("of", "the queue").required());
    ProbeCatalogue::default().register_with(spec, |given| {
        Ok(probe(given.text("of")?.unwrap_or_default().to_owned(), || async { 7 }))
    })
}

fn minimal(probe: &Value) -> Value {
    json!({ "hypothesis": "It holds", "probes": [probe] })
}

#[test]
fn everything_that_the_builder_can_say_can_be_said_in_data() {
    let queue = |name: &str| json!({ "name": "queue", "of": name });
    let from_data = catalogue().steady_state(&json!({
        "hypothesis": "It holds", "every": "200ms", "time-limit": "3s", "violated-when": "3 of 5", "baseline": "10s",
        "again-within": "2m", "settled": 4,
        "probes": [
            { "name": "a", "probe": queue("a"), "tolerance": 7 },
            { "name": "b", "probe": queue("b"), "tolerance": true, "phases": ["before", "after"] },
            { "name": "c", "probe": queue("c"), "tolerance": "x", "stop-condition": true },
            { "name": "d", "probe": queue("d"), "tolerance": { "at-most": 7 }, "observe": true },
            { "name": "e", "probe": queue("e"), "tolerance": { "is": null }, "must-tell-within": "30s" },
        ],
    }));
    let made = |name: &str| probe(name, || async { 7 });
    let built = SteadyState::new("It holds")
        .every(Duration::from_millis(200))
        .time_limit(Duration::from_secs(3))
        .violated_when(3, 5)
        .baseline(Duration::from_secs(10))
        .again_within(Duration::from_secs(120))
        .settled(4)
        .probe("a", made("a"), 7)
        .probe_in([Phase::Before, Phase::After], "b", made("b"), true)
        .stop_condition("c", made("c"), "x")
        .observe("d", made("d"), ..=7)
        .must_tell("e", made("e"), Tolerance::is(Value::Null), Duration::from_secs(30));
    assert_eq!(format!("{:?}", from_data.unwrap()), format!("{built:?}"));
    let defaults =
        catalogue().steady_state(&minimal(&json!({ "name": "a", "probe": queue("a"), "tolerance": 7 })));
    let built = SteadyState::new("It holds").probe("a", made("a"), 7);
    assert_eq!(format!("{:?}", defaults.unwrap()), format!("{built:?}"));
}

#[test]
fn every_tolerance_is_read() {
    for (data, text) in [
        (json!(200), "200"),
        (json!("up"), "\"up\""),
        (json!({ "is": [1, 2] }), "[1,2]"),
        (json!({ "one-of": [200, "a"] }), "one of 200, \"a\""),
        (json!({ "at-least": 0.99 }), "at least 0.99"),
        (json!({ "at-most": 3 }), "at most 3"),
        (json!({ "between": [1, 2.5] }), "from 1 to 2.5"),
        (json!({ "all": [1, { "within": "300ms" }] }), "1 and within 300ms"),
        (json!({ "any": [1, "a"] }), "1 or \"a\""),
        (json!({ "no-more-than-before": 1.5 }), "at most 1.5 times the median before the injection"),
    ] {
        assert_eq!(Tolerance::from_data(&data).unwrap().to_string(), text, "{data}");
    }
    let between = Tolerance::from_data(&json!({ "at-most": 3, "at-least": 1 })).unwrap();
    for (value, is_met) in [(0, false), (1, true), (3, true), (4, false)] {
        assert_eq!(between.judge(&Look::of(&json!(value))).is_ok(), is_met, "{value}");
    }
}

#[test]
fn each_mistake_is_told_with_its_path() {
    let queue = json!({ "name": "queue", "of": "a" });
    let with = |field: &str, value: Value| {
        let mut probe = json!({ "name": "a", "probe": queue, "tolerance": 7 });
        probe[field] = value;
        minimal(&probe)
    };
    let top = |field: &str, value: Value| {
        let mut data = with("tolerance", json!(7));
        data[field] = value;
        data
    };
    for (data, expected) in [
        (json!([]), "invalid steady state: []; expected an object"),
        (json!({ "hypothesis": "It holds" }), "invalid probes: none; expected a list"),
        (json!({ "hypothesis": "It holds", "probe": [] }), "invalid probe: []; expected probes"),
        (json!({ "hypothesis": "It holds", "probes": [] }), "invalid probes: none; expected at least one"),
        (
            json!({ "hypothesis": "It holds", "probes": ["a"] }),
            "invalid probes[0]: \"a\"; expected an object",
        ),
        (json!({ "probes": [] }), "invalid hypothesis: none;"),
        (top("everyy", json!("1s")), "invalid everyy: \"1s\"; expected every"),
        (top("every", json!(1)), "invalid every: 1; expected a duration"),
        (top("every", json!("0s")), "invalid every: 0s; expected more than zero"),
        (top("time-limit", json!("0s")), "invalid time-limit: 0s;"),
        (top("settled", json!(0)), "invalid settled: 0; expected from 1"),
        (
            top("violated-when", json!("3 times")),
            "invalid violated-when: \"3 times\"; expected a number of looks",
        ),
        (top("violated-when", json!("3 of 2")), "invalid violated-when: 3 of 2;"),
        (with("probe", Value::Null), "invalid probes[0].probe: null; expected an object"),
        (
            with("probe", json!({ "name": "queuee" })),
            "invalid probes[0].probe.name: \"queuee\"; expected queue",
        ),
        (with("probe", json!({ "name": "queue" })), "invalid probes[0].probe.of: none;"),
        (with("tolerance", Value::Null), "invalid probes[0].tolerance: null; expected a value such as 200"),
        (with("tolerance", json!([1, 2])), "invalid probes[0].tolerance: [1,2]; expected an object"),
        (with("tolerance", json!({})), "invalid probes[0].tolerance: {}; expected at least one rule"),
        (
            with("tolerance", json!({ "at-lest": 1 })),
            "invalid probes[0].tolerance.at-lest: 1; expected at-least",
        ),
        (with("tolerance", json!({ "at-least": "1" })), "invalid probes[0].tolerance.at-least: \"1\";"),
        (
            with("tolerance", json!({ "between": [2, 1] })),
            "invalid probes[0].tolerance.between: from 2 to 1;",
        ),
        (with("tolerance", json!({ "one-of": [] })), "invalid probes[0].tolerance.one-of:"),
        (with("tolerance", json!({ "within": "0s" })), "invalid probes[0].tolerance.within:"),
        (
            with("tolerance", json!({ "all": [1, { "any": [{ "at-most": true }] }] })),
            "invalid probes[0].tolerance.all[1].any[0].at-most: true; expected a number",
        ),
        (with("phase", json!("before")), "invalid probes[0].phase: \"before\"; expected phases"),
        (with("phases", json!([])), "invalid probes[0].phases: []; expected a list of at least one"),
        (with("phases", json!("before")), "invalid probes[0].phases: \"before\"; expected a list"),
        (with("tolerancee", json!(1)), "invalid probes[0].tolerancee: 1; expected tolerance"),
        (top("probess", json!([])), "invalid probess: []; expected probes"),
        (
            with("tolerance", json!({ "at-least": 1, "at-most": 0 })),
            "invalid probes[0].tolerance: {\"at-least\":1,\"at-most\":0}; expected at-least to be no more",
        ),
        (with("phases", json!(["beforee"])), "invalid probes[0].phases: \"beforee\"; expected before"),
        (
            with("must-tell-within", json!("0s")),
            "invalid probes[0].must-tell-within: 0s; expected more than zero",
        ),
    ] {
        let error = catalogue().steady_state(&data).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{data}: {error}");
    }
    let mut both = with("observe", json!(true));
    both["probes"][0]["phases"] = json!(["before"]);
    let error = catalogue().steady_state(&both).unwrap_err().to_string();
    assert!(error.starts_with("invalid probes[0].observe: given; expected none with phases"), "{error}");
    let twice = json!({ "name": "a", "probe": queue, "tolerance": 7 });
    let error = catalogue().steady_state(&json!({ "hypothesis": "It holds", "probes": [twice, twice] }));
    assert!(error.unwrap_err().to_string().contains("each probe to have a name of its own"));
}

/// Deeper data than this is refused by every parser of JSON that bounds its own depth.
#[test]
fn depth_is_bounded() {
    let deep = (0..100).fold(json!(1), |inner, _| json!({ "all": [inner] }));
    let error = Tolerance::from_data(&deep).unwrap_err().to_string();
    assert!(error.contains("nested less deep") && error.len() < 1024, "{error}");
}

fn any_data() -> impl Strategy<Value = Value> {
    const RULES: [&str; 9] =
        ["is", "one-of", "at-least", "at-most", "between", "all", "any", "within", "no-more-than-before"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        Just(json!("300ms")),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(&RULES[..]), inner), 0..3).prop_map(|fields| fields
                .into_iter()
                .map(|(rule, value)| (rule.to_owned(), value))
                .collect()),
        ]
    })
}

proptest! {
    /// Whatever the data, there is a tolerance that can be used or an error with a path.
    #[test]
    fn any_data_is_a_tolerance_or_a_named_mistake(data in any_data(), value in any_data()) {
        match Tolerance::from_data(&data) {
            Ok(tolerance) => {
                prop_assert!(tolerance.check().is_ok());
                drop(tolerance.judge(&Look::of(&value)));
            }
            Err(error) => prop_assert!(error.field().unwrap().starts_with("tolerance")),
        }
    }
}
