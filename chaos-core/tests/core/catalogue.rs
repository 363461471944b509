//! A request by name yields the intended event, or an error that says what would be right.

use std::{sync::Arc, time::Duration};

use chaos_core::{
    ErrorKind, Hold, Registry,
    catalogue::{EventCatalogue, EventSpec, Naming, Parameter},
    testing::PowerOff,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// A parameter of every type. Its events are held as long as it says.
fn everything() -> EventSpec {
    EventSpec::new("everything", "Take a parameter of every type")
        .with(Parameter::flag("flag", "set or not"))
        .with(Parameter::number("number", -1.5..=100.0, "a number").unit("percent"))
        .with(Parameter::count("count", 1..=u64::MAX, "how many"))
        .with(Parameter::count("few", 1..=3, "how few").only_with("count"))
        .with(Parameter::size("size", "how much"))
        .with(Parameter::ports("ports", "which"))
        .with(Parameter::path("path", "where"))
        .with(Parameter::text("hosts", "whose").list())
        .with(Parameter::text("tags", "with which").repeated())
        .with(Parameter::choice("way", [("in", "Inwards"), ("out", "Outwards")], "whither"))
        .one_of(["flag", "number", "path"])
        .with(Parameter::hold())
}

fn catalogue() -> EventCatalogue {
    EventCatalogue::default().register::<PowerOff>().register_with(
        everything(),
        Registry::default(),
        |given| {
            let hold = given.duration("duration")?.map_or(Ok(Hold::DEFAULT), Hold::lasting)?;
            Ok(Arc::new(PowerOff::lasting(hold)))
        },
    )
}

#[test]
fn a_secret_is_in_no_error_and_in_no_debug_text() {
    let spec = EventSpec::new("login", "Log in")
        .with(Parameter::text("password", "the password").secret())
        .with(Parameter::text("key", "a key instead").secret())
        .with(Parameter::text("code", "a second factor").secret().only_with("key"))
        .one_of(["password", "key"]);
    let catalogue = EventCatalogue::default().register_with(spec, Registry::default(), |given| {
        assert_eq!(given.text("password").unwrap(), Some("hunter2"), "a decoder sees it");
        let shown = format!("{given:?}");
        assert!(shown.contains("password") && !shown.contains("hunter2"), "{shown}");
        Ok(Arc::new(PowerOff::default()))
    });
    let asked = catalogue.decode(&json!({ "name": "login", "password": "hunter2" })).unwrap();
    assert!(!format!("{asked:?}").contains("hunter2"), "{asked:?}");
    for data in [
        json!({ "name": "login", "password": ["hunter2"] }),
        json!({ "name": "login", "passwordd": "hunter2" }),
        json!({ "name": "login", "password": "hunter2", "key": "hunter2" }),
        json!({ "name": "login", "password": "a", "code": "hunter2" }),
    ] {
        let error = catalogue.decode(&data).unwrap_err();
        assert!(!error.chain().contains("hunter2"), "{error:?}");
        assert!(error.to_string().contains("a value that is not shown"), "{error}");
    }
}

#[test]
fn every_type_is_read_from_json_and_from_text_and_written_back() {
    let canonical = json!({
        "name": "everything", "number": 12.5, "count": 7, "few": 2, "size": 2_147_483_648_u64,
        "ports": [8080, "9000-9010"], "hosts": ["a.example", "10.0.0.0/8"], "tags": ["a=b,c"], "way": "out",
        "duration": "1m30s",
    });
    let in_text = json!({
        "name": "everything", "number": "12.5", "count": "7", "few": "2", "size": "2GiB", "path": null, "flag": false,
        "ports": "8080, 9000-9010", "hosts": "a.example,10.0.0.0/8", "tags": "a=b,c", "way": "out",
        "duration": "90s",
    });
    for data in [&canonical, &in_text] {
        let asked = catalogue().decode(data).unwrap();
        assert_eq!(asked.to_value(), canonical);
        assert_eq!(asked.event().hold().duration(), Duration::from_secs(90));
    }
    let asked = catalogue().decode(&in_text).unwrap();
    let given = asked.arguments();
    assert_eq!((given.number("number").unwrap(), given.count("count").unwrap()), (Some(12.5), Some(7)));
    assert_eq!(given.ports("ports").unwrap().len(), 12);
    assert_eq!(given.texts("tags").unwrap(), ["a=b,c"]);
    assert_eq!(given.text("path").unwrap(), None);
    assert!(!given.is_given("flag"));
    let words: Vec<_> = given.given().collect();
    assert!(words.contains(&("ports", Some("8080,9000-9010".to_owned()))), "{words:?}");
    assert_eq!(words.last(), Some(&("duration", Some("1m30s".to_owned()))));
}

#[test]
fn a_decoder_that_asks_for_something_else_than_its_specification_says_fails() {
    let asked = catalogue().decode(&json!({ "name": "everything", "number": 5 })).unwrap();
    let given = asked.arguments();
    for error in [given.count("number").unwrap_err(), given.count("cuont").unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Other, "{error}");
    }
}

#[test]
fn errors_name_the_field_and_the_value_and_say_what_would_be_right() {
    let long = "x".repeat(1 << 16);
    for (data, expected) in [
        (json!(5), r#"invalid event: 5; expected an object such as {"name": "stop", "duration": "5s"}"#),
        (json!({}), "invalid name: null; expected the name of an event"),
        (json!({ "name": 5 }), "invalid name: 5; expected the name of an event"),
        (json!({ "name": "everthing" }), r#"invalid name: "everthing"; expected everything"#),
        (json!({ "name": "explode" }), r#"invalid name: "explode"; expected one of: power-off, everything"#),
        (json!({ "name": "power-off", "durration": "5s" }), r#"invalid durration: "5s"; expected duration"#),
        (
            json!({ "name": "power-off", "number": 5 }),
            "invalid number: 5; expected none with power-off; it is for everything",
        ),
        (
            json!({ "name": "power-off", "whatever": [] }),
            "invalid whatever: []; expected a parameter of power-off: duration",
        ),
        (
            json!({ "name": "power-off", "duration": 5 }),
            "invalid duration: 5; expected a duration such as 5s, 500ms or 1m 30s",
        ),
        (
            json!({ "name": "power-off", "duration": "13h" }),
            "invalid duration: 13h; expected more than zero and at most 12 hours",
        ),
        (
            json!({ "name": "everything" }),
            "invalid flag: none; expected flag, number or path with everything",
        ),
        (
            json!({ "name": "everything", "number": 1, "path": "/tmp" }),
            "invalid path: /tmp; expected none with number",
        ),
        (
            json!({ "name": "everything", "number": "101" }),
            "invalid number: 101; expected from -1.5 to 100 percent",
        ),
        (json!({ "name": "everything", "number": "NaN" }), "invalid number: NaN; expected from -1.5"),
        (json!({ "name": "everything", "number": "ten" }), r#"invalid number: "ten"; expected a number"#),
        (json!({ "name": "everything", "number": [1] }), "invalid number: [1]; expected a number"),
        (json!({ "name": "everything", "count": 0 }), "invalid count: 0; expected at least 1"),
        (json!({ "name": "everything", "count": "+1" }), r#"invalid count: "+1"; expected a whole number"#),
        (json!({ "name": "everything", "few": 9 }), "invalid few: 9; expected from 1 to 3"),
        (
            json!({ "name": "everything", "flag": true, "few": 2 }),
            "invalid few: 2; expected none without count",
        ),
        (json!({ "name": "everything", "flag": "yes" }), r#"invalid flag: "yes"; expected true or false"#),
        (json!({ "name": "everything", "size": "16EiB" }), r#"invalid size: "16EiB"; expected a size"#),
        (json!({ "name": "everything", "size": -1 }), "invalid size: -1; expected a size"),
        (json!({ "name": "everything", "ports": "80,0" }), r#"invalid ports: "0"; expected ports from 1"#),
        (json!({ "name": "everything", "ports": ["9-8"] }), r#"invalid ports: "9-8"; expected ports from 1"#),
        (json!({ "name": "everything", "path": "tmp" }), r#"invalid path: "tmp"; expected an absolute path"#),
        (json!({ "name": "everything", "way": "oout" }), r#"invalid way: "oout"; expected out"#),
        (json!({ "name": "everything", "way": "up" }), r#"invalid way: "up"; expected in or out"#),
        (json!({ "name": "everything", "hosts": [""] }), r#"invalid hosts: ""; expected text"#),
        (json!({ "name": "everything", "way": long }), "invalid way: \"xxxx"),
    ] {
        let error = catalogue().decode(&data).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let text = error.to_string();
        assert!(text.starts_with(expected), "{data}: {text}");
        assert!(text.len() < 300, "{text}");
    }
}

#[test]
fn on_a_command_line_parameters_are_called_as_there() {
    let event = |name: &str, parameters: Value| {
        let parameters: Map<String, Value> = serde_json::from_value(parameters).unwrap();
        catalogue().event(name, &parameters, Naming::Arguments).unwrap_err().to_string()
    };
    for (error, expected) in [
        (
            event("power-off", json!({ "duration": "13h" })),
            "invalid --duration: 13h; expected more than zero and at most 12 hours",
        ),
        (
            event("power-off", json!({ "flag": true })),
            "invalid --flag: given; expected none with --event power-off; it is for everything",
        ),
        (
            event("everything", json!({})),
            "invalid --flag: none; expected --flag, --number or --path with everything",
        ),
        (event("pwer-off", json!({})), r#"invalid --event: "pwer-off"; expected power-off"#),
    ] {
        assert_eq!(error, expected);
    }
}

#[test]
fn a_specification_is_data() {
    let spec = everything();
    let text = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<EventSpec>(&text).unwrap(), spec);
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["parameters"][1]["least"], json!(-1.5));
    assert_eq!(value["parameters"][1]["unit"], json!("percent"));
    assert_eq!(value["parameters"][9]["of"][1], json!({ "name": "out", "about": "Outwards" }));
}

#[test]
fn one_registration_brings_the_recoveries_and_a_later_one_replaces_an_earlier() {
    assert_eq!(catalogue().registry().kinds().collect::<Vec<_>>(), ["chaos-core/power-on/1"]);
    let twice = catalogue().merge(catalogue());
    let names: Vec<_> = twice.specs().map(|spec| spec.name.as_str()).collect();
    assert_eq!(names, ["power-off", "everything"]);
    let asked = twice.decode(&json!({ "name": "power-off" })).unwrap();
    assert_eq!(asked.recoveries().kinds().collect::<Vec<_>>(), ["chaos-core/power-on/1"]);
}

/// Any JSON, with the known names more often than by chance.
fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        any::<String>(),
        prop::sample::select(vec!["5s", "2GiB", "80,90-99", "true", "in", "/tmp", "NaN", "1e999", ",", "-"])
            .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..4)
                .prop_map(|fields| fields.into_iter().collect::<Value>()),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_an_event_that_reads_back_or_an_error(
        whole in any_json(),
        fields in prop::collection::hash_map(
            prop::sample::select(
                everything().parameters.parameters.iter().map(|one| one.name.clone()).collect::<Vec<_>>(),
            ),
            any_json(),
            0..4,
        ),
    ) {
        let _ = catalogue().decode(&whole);
        let mut event: Map<String, Value> = fields.into_iter().collect();
        event.insert("name".to_owned(), "everything".into());
        match catalogue().decode(&Value::Object(event)) {
            Ok(asked) => {
                let again = asked.to_value();
                let read_back = catalogue().decode(&again).map_err(|error| {
                    TestCaseError::fail(format!("{again} does not read back: {error}"))
                })?;
                prop_assert_eq!(read_back.to_value(), again);
            }
            Err(error) => prop_assert_eq!(error.kind(), ErrorKind::InvalidInput),
        }
    }
}
