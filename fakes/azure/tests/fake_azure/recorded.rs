use fake_azure::{FakeArm, NewAvailabilitySet, Recorded, assert_same_requests};
use serde_json::json;

use crate::client::{get, machine, post, send};

fn recorded(method: &str, path: &str, query: &[(&str, &str)], body: serde_json::Value) -> Recorded {
    serde_json::from_value(json!({ "method": method, "path": path, "query": query, "body": body })).unwrap()
}

#[test]
fn requests_are_recorded_as_they_were_sent() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(1));
    let web = machine("shop", "WEB-0");
    let body = json!({ "commandId": "RunShellScript", "script": ["true"] });
    send(&fake, "POST", &format!("{web}/runCommand?a=b%20c"), &[], Some(&body));
    let one = &fake.requests()[0];
    assert_eq!(
        (one.method.as_str(), &one.path, &one.body),
        ("POST", &format!("{web}/runCommand"), &Some(body))
    );
    assert_eq!(one.query[0], ("a".to_owned(), "b c".to_owned()));
    assert_eq!(
        (one.status, one.action.as_deref()),
        (Some(202), Some("Microsoft.Compute/virtualMachines/runCommand/action"))
    );
    fake.forget_requests();
    assert!(fake.requests().is_empty());
}

#[test]
fn every_kind_of_difference_is_told() {
    let wanted =
        recorded("PUT", "/a/B", &[("api-version", "1"), ("x", "y")], json!({ "p": { "q": [1, 2] }, "r": 1 }));
    let same =
        recorded("PUT", "/a/B", &[("x", "y"), ("api-version", "1")], json!({ "r": 1, "p": { "q": [1, 2] } }));
    assert_eq!(same.difference(&wanted), None);
    for (changed, told) in [
        (
            recorded("POST", "/a/B", &[("api-version", "1"), ("x", "y")], wanted.body.clone().unwrap()),
            "method: POST, not PUT",
        ),
        (
            recorded("PUT", "/a/b", &[("api-version", "1"), ("x", "y")], wanted.body.clone().unwrap()),
            "path: /a/b, not /a/B",
        ),
        (
            recorded("PUT", "/a/B", &[("api-version", "2"), ("x", "y")], wanted.body.clone().unwrap()),
            "parameter api-version: \"2\", not \"1\"",
        ),
        (
            recorded("PUT", "/a/B", &[("api-version", "1")], wanted.body.clone().unwrap()),
            "parameter x: nothing, not \"y\"",
        ),
        (
            recorded(
                "PUT",
                "/a/B",
                &[("api-version", "1"), ("x", "y")],
                json!({ "p": { "q": [1, 3] }, "r": 1 }),
            ),
            "body/p/q/1: 3, not 2",
        ),
        (
            recorded("PUT", "/a/B", &[("api-version", "1"), ("x", "y")], json!({ "p": { "q": [1, 2] } })),
            "body/r: nothing, not 1",
        ),
        (recorded("PUT", "/a/B", &[("api-version", "1"), ("x", "y")], json!(null)), "body: nothing, not {"),
    ] {
        let difference = changed.difference(&wanted).expect(told);
        assert!(difference.starts_with(told) && difference.lines().count() == 1, "{difference}");
    }
}

#[test]
fn how_often_somebody_asks_does_not_count() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(1));
    let accepted = post(&fake, &format!("{}/start", machine("shop", "web-0")));
    let once = fake.requests();
    get(&fake, accepted.header("Azure-AsyncOperation").unwrap());
    get(&fake, accepted.header("Location").unwrap());
    assert_eq!(fake.requests().iter().map(Recorded::is_poll).collect::<Vec<_>>(), [false, true, true]);
    assert_same_requests(&fake.requests(), &once);
}

#[test]
#[should_panic(expected = "only they send GET /two")]
fn a_request_that_is_missing_is_told() {
    let one = recorded("GET", "/one", &[], json!(null));
    let two = recorded("GET", "/two", &[], json!(null));
    assert_same_requests(std::slice::from_ref(&one), &[one.clone(), two]);
}

#[test]
#[should_panic(expected = "request 0, GET /one:\n  path: /one, not /two\n")]
fn a_request_that_differs_is_told() {
    assert_same_requests(
        &[recorded("GET", "/one", &[], json!(null))],
        &[recorded("GET", "/two", &[], json!(null))],
    );
}
