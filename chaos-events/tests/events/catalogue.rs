//! The events by name.

use chaos_core::{
    Capability, CapabilitySet, Error, ErrorKind,
    catalogue::{NamedEvent, ParameterKind},
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Enough for each of them.
fn least(name: &str) -> Value {
    match name {
        "disk-fill" => json!({ "path": "/tmp", "bytes": "2GiB" }),
        "network-blackhole" => json!({ "all": true }),
        _ => json!({}),
    }
}

fn decode(name: &str, more: Value) -> Result<NamedEvent, Error> {
    let mut data: Map<String, Value> = serde_json::from_value(least(name)).unwrap();
    if let Value::Object(more) = more {
        data.extend(more);
    }
    data.insert("name".to_owned(), name.into());
    chaos_events::catalogue().decode(&Value::Object(data))
}

#[test]
fn each_is_called_in_the_catalogue_what_it_is_called_in_plans() {
    let catalogue = chaos_events::catalogue();
    for spec in catalogue.specs() {
        let asked = decode(&spec.name, json!({})).unwrap();
        assert_eq!(asked.event().name(), spec.name);
        assert_eq!(
            asked.event().hold().is_momentary(),
            spec.parameters.get("duration").is_none(),
            "{}",
            spec.name
        );
        assert!(!spec.about.ends_with('.') && spec.about.starts_with(char::is_uppercase), "{}", spec.about);
        assert!(asked.recoveries().kinds().count() > 0, "{}", spec.name);
    }
}

#[test]
fn the_bounds_that_are_described_are_those_of_the_events() {
    let catalogue = chaos_events::catalogue();
    let mut bounds = 0;
    for spec in catalogue.specs() {
        for parameter in &spec.parameters.parameters {
            let ParameterKind::Number { least, most, .. } = parameter.kind else { continue };
            let with = |value: f64| {
                let mut more = Map::from_iter([(parameter.name.clone(), json!(value))]);
                if spec.name == "disk-fill" {
                    more.insert("bytes".to_owned(), Value::Null);
                }
                decode(&spec.name, Value::Object(more))
            };
            for inside in [least, most] {
                with(inside).unwrap();
                bounds += 1;
            }
            for outside in [least - 0.001, most + 0.001] {
                let error = with(outside).unwrap_err().to_string();
                assert!(error.starts_with(&format!("invalid {}: {outside}; ", parameter.name)), "{error}");
            }
        }
    }
    assert!(bounds >= 4);
}

#[test]
fn a_blackhole_has_two_ways() {
    let requires = |more| decode("network-blackhole", more).unwrap().event().requires();
    assert_eq!(requires(json!({})), CapabilitySet::of([Capability::Shell]));
    assert_eq!(requires(json!({ "from-outside": true })), CapabilitySet::of([Capability::Isolation]));
    for (more, expected) in [
        (json!({ "all": null, "dns": true, "from-outside": true }), "from-outside"),
        (json!({ "direction": "egress", "from-outside": true }), "one direction"),
        (json!({ "allow": ["10.0.0.0/8"], "from-outside": true }), "a list of allowed traffic"),
    ] {
        let error = decode("network-blackhole", more).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn one_that_takes_the_place_of_another_leaves_its_recoveries() {
    let before = chaos_events::catalogue().registry().kinds().count();
    let after = chaos_events::catalogue().register::<chaos_events::NetworkBlackhole>();
    assert_eq!(after.registry().kinds().count(), before);
    assert!(
        after.decode(&json!({ "name": "network-blackhole", "all": true, "from-outside": true })).is_err()
    );
}

#[test]
fn what_the_events_themselves_refuse_is_called_as_in_the_catalogue() {
    for (name, more, expected) in [
        ("stop", json!({ "duration": "0s" }), "invalid duration: 0s; expected more than zero"),
        ("disk-fill", json!({ "bytes": 0 }), "invalid bytes: 0; expected at least 1"),
        (
            "disk-fill",
            json!({ "bytes": null, "all-but": "7EiB" }),
            "invalid all-but: 8070450532247928832; expected at most 999999999999999999",
        ),
        (
            "network-blackhole",
            json!({ "all": null, "hosts": "-x" }),
            "invalid hosts: \"-x\"; expected an address",
        ),
        ("network-blackhole", json!({ "allow": ["a..b"] }), "invalid allow: \"a..b\"; expected an address"),
    ] {
        let error = decode(name, more).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

proptest! {
    #[test]
    fn no_json_is_too_odd(
        name in prop::sample::select(vec![
            "terminate", "stop", "reboot", "cpu-burn", "disk-fill", "network-blackhole",
        ]),
        field in prop::sample::select(vec![
            "load", "cores", "path", "percent", "bytes", "all-but", "keep-free", "all", "hosts", "ports", "dns",
            "protocol", "direction", "allow", "duration", "from-outside",
        ]),
        value in prop_oneof![
            any::<String>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            prop::collection::vec(any::<String>(), 0..3).prop_map(Value::from),
        ],
    ) {
        match decode(name, json!({ field: value })) {
            Ok(asked) => {
                let again = asked.to_value();
                let read_back = chaos_events::catalogue().decode(&again).unwrap();
                prop_assert_eq!(read_back.to_value(), again);
            }
            Err(error) => prop_assert_eq!(error.kind(), ErrorKind::InvalidInput),
        }
    }
}
