//! A probe that is made by name looks as the same probe from Rust does. A mistake is told with its place.

use chaos_core::{
    MemoryJournal, Monkey, Outcome, Registry,
    testing::{MemoryProvider, PowerOff, PowerOn},
};
use serde_json::{Value, json};

use crate::{
    look,
    server::{Server, nobody},
};

const NOT_SHOWN: &str = "a value that is not shown";

#[tokio::test]
async fn each_is_made_by_name_with_all_of_its_parameters() {
    let catalogue = chaos_probes::catalogue();
    let server = Server::saying("200 OK", r#"{"state": "accepted"}"#).await;
    let request = json!({
        "name": "http", "url": server.url(), "method": "POST", "header": ["Authorization: Bearer secret", "A:b"],
        "body": "article 7", "answering-within": "60s",
    });
    let with = |field: &str, value: Value| {
        let mut data = request.clone();
        data[field] = value;
        data
    };
    assert_eq!(look(&catalogue.decode(&request).unwrap()).await.unwrap(), 200.into());
    let sent = server.requests.lock().unwrap().remove(0);
    assert!(sent.starts_with("POST / HTTP/1.1\r\n"), "{sent}");
    for line in ["authorization: Bearer secret", "a: b", "content-length: 9"] {
        assert!(sent.contains(&format!("{line}\r\n")), "{sent}");
    }
    let state = catalogue.decode(&with("json", json!("/state"))).unwrap();
    assert_eq!(look(&state).await.unwrap(), "accepted".into());
    let text = catalogue.decode(&with("text", json!(true))).unwrap();
    assert_eq!(look(&text).await.unwrap(), r#"{"state": "accepted"}"#.into());
    let took = catalogue.decode(&with("milliseconds", json!(true))).unwrap();
    assert_eq!(took.to_string(), format!("milliseconds of POST {}", server.url()));

    let tcp = json!({ "name": "tcp", "address": server.address, "answering-within": "60s" });
    assert_eq!(look(&catalogue.decode(&tcp).unwrap()).await.unwrap(), true.into());

    let answer = r#"{"status": "success", "data": {"resultType": "scalar", "result": [1, "0.5"]}}"#;
    let server = Server::saying("200 OK", answer).await;
    let query = json!({
        "name": "prometheus", "url": server.url(), "query": "up", "header": "X-Scope: a", "answering-within": "60s",
    });
    assert_eq!(look(&catalogue.decode(&query).unwrap()).await.unwrap(), 0.5.into());
    assert!(server.requests.lock().unwrap()[0].contains("x-scope: a\r\n"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_command_is_words_and_never_a_shell() {
    let catalogue = chaos_probes::catalogue();
    let words = json!(["echo", "$HOME; a,b"]);
    let command = json!({ "name": "command", "words": words, "answering-within": "60s" });
    assert_eq!(look(&catalogue.decode(&command).unwrap()).await.unwrap(), 0.into());
    let stdout = json!({ "name": "command", "words": words, "stdout": true });
    assert_eq!(look(&catalogue.decode(&stdout).unwrap()).await.unwrap(), "$HOME; a,b".into());
    let json = json!({ "name": "command", "words": ["echo", r#"{"a": 7}"#], "json": "/a" });
    assert_eq!(look(&catalogue.decode(&json).unwrap()).await.unwrap(), 7.into());
}

#[test]
fn a_mistake_is_told_with_its_place_and_without_secrets() {
    for (data, expected) in [
        (json!({ "name": "htp", "url": "http://a/" }), "invalid name: \"htp\"; expected http".to_owned()),
        (json!({ "name": "http" }), "invalid url: none; expected an absolute URL".to_owned()),
        (json!({ "name": "http", "url": "a" }), "invalid url: \"a\"; expected ".to_owned()),
        (
            json!({ "name": "tcp", "address": "a" }),
            "invalid address: \"a\"; expected a host and a port".to_owned(),
        ),
        (
            json!({ "name": "command", "words": "./queue --length" }),
            "invalid words: \"./queue --length\"; expected a list".to_owned(),
        ),
        (
            json!({ "name": "http", "url": "http://a/", "json": "status" }),
            "invalid json: \"status\"; expected a JSON pointer".to_owned(),
        ),
        (json!({ "name": "command", "words": [] }), "invalid words: none; expected ".to_owned()),
        (
            json!({ "name": "http", "url": "http://a/", "answering-within": "0s" }),
            "invalid answering-within: 0s; expected more than zero".to_owned(),
        ),
        (
            json!({ "name": "http", "url": "http://a/", "text": true, "json": "/a" }),
            "invalid json: /a; expected none with text".to_owned(),
        ),
        (
            json!({ "name": "http", "url": "http://a/", "header": "Bearer hunter2" }),
            "invalid header: one without a colon; expected ".to_owned(),
        ),
        (
            json!({ "name": "http", "url": "http://a/", "headr": "Authorization: hunter2" }),
            format!("invalid headr: {NOT_SHOWN}; expected header"),
        ),
        (
            json!({ "name": "prometheus", "url": { "user": "me", "password": "hunter2" }, "query": "up" }),
            format!("invalid url: {NOT_SHOWN}; expected text"),
        ),
        (
            json!({ "name": "http", "url": "http://a/", "body": { "password": "hunter2" } }),
            format!("invalid body: {NOT_SHOWN}; expected text"),
        ),
        (
            json!({ "name": "http", "url": "http://a/", "trusting": "/authority.pem" }),
            "invalid trusting: \"/authority.pem\"; expected ".to_owned(),
        ),
        (json!({ "name": "http", "url": "http://a/", "header": "a b: hunter2" }), "invalid ".to_owned()),
    ] {
        let error = chaos_probes::catalogue().decode(&data).unwrap_err();
        assert!(error.to_string().starts_with(&expected), "{error}");
        assert!(!error.chain().contains("hunter2"), "{error:?}");
    }
}

#[tokio::test]
async fn a_monkey_is_held_to_a_steady_state_from_data() {
    let server = Server::saying("200 OK", "").await;
    for (url, outcome) in
        [(server.url(), Outcome::Completed), (format!("http://{}/", nobody().await), Outcome::Skipped)]
    {
        let steady = chaos_probes::catalogue().steady_state(&json!({
            "hypothesis": "The page is served",
            "every": "20ms",
            "probes": [{
                "name": "page", "probe": { "name": "http", "url": url, "answering-within": "60s" },
                "tolerance": { "one-of": [200, 204] },
            }],
        }));
        let monkey = Monkey::builder()
            .provider(MemoryProvider::default().with_group("web", 5).unwrap())
            .event(PowerOff::lasting("1s".parse().unwrap()))
            .steady_state(steady.unwrap().time_limit(std::time::Duration::from_secs(90)))
            .unleash(MemoryJournal::new(), Registry::default().register::<PowerOn>())
            .build()
            .unwrap();
        let report = monkey.run_once().await.unwrap();
        assert_eq!(report.outcome(), outcome, "{report}");
    }
}
