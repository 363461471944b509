use std::time::Duration;

use chaos_core::{
    clock::Clock,
    steady_state::{Probe, Reading},
};
use chaos_probes::{Http, Prometheus};

use crate::{
    look,
    server::{Server, Then, nobody},
    silence,
};

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn the_status_is_read_afresh_each_time_and_no_redirect_is_followed() {
    for (line, status) in [("200 OK", 200), ("301 Moved\r\nlocation: /elsewhere", 301), ("503 Sorry", 503)] {
        let server = Server::saying(line, "body").await;
        let probe = Http::get(server.url()).answering_within(LONG);
        for _ in 0..2 {
            assert_eq!(look(&probe).await.unwrap(), Reading::from(status));
        }
        assert_eq!(server.requests.lock().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn a_request_is_sent_as_it_was_given() {
    let server = Server::saying("200 OK", r#"{"state": {"a/b": [1, "accepted"]}}"#).await;
    let probe = Http::new("POST", format!("{}orders?of=a%20b", server.url()))
        .header("Authorization", "Bearer secret")
        .body("article 7")
        .answering_within(LONG);
    assert_eq!(look(&probe.clone().json("/state/a~1b/1")).await.unwrap(), "accepted".into());
    let request = server.requests.lock().unwrap().remove(0);
    assert!(request.starts_with("POST /orders?of=a%20b HTTP/1.1\r\n"), "{request}");
    for line in ["authorization: Bearer secret", "content-length: 9", "connection: close"] {
        assert!(request.contains(&format!("{line}\r\n")), "{request}");
    }
    assert!(request.contains(&format!("host: {}\r\n", server.address)), "{request}");
    let text = look(&probe.clone().text()).await.unwrap();
    assert_eq!(text, r#"{"state": {"a/b": [1, "accepted"]}}"#.into());
    assert!(silence(&probe.clone().json("/nothing")).await.contains("has no /nothing"));
    let Reading::Value(milliseconds) = look(&probe.milliseconds()).await.unwrap() else { panic!("no value") };
    assert!((0.0..60_000.0).contains(&milliseconds.as_f64().unwrap()), "{milliseconds}");
}

#[tokio::test]
async fn an_error_page_is_no_text_and_no_time() {
    let server = Server::saying("503 Sorry", "{}").await;
    let probe = Http::get(server.url()).answering_within(LONG);
    for probe in [probe.clone().text(), probe.clone().json(""), probe.milliseconds()] {
        assert!(silence(&probe).await.contains("503"), "{probe}");
    }
}

#[tokio::test]
async fn a_refusal_and_silence_are_no_answer() {
    let why = silence(&Http::get(format!("http://{}/", nobody().await)).answering_within(LONG)).await;
    assert!(why.starts_with("no connection to 127.0.0.1:"), "{why}");
    for begun in ["", "HTTP/1.1 200 OK\r\nconte", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"] {
        let server = Server::answering(begun, Then::Hang).await;
        let probe = Http::get(server.url()).answering_within(Duration::from_millis(20));
        assert_eq!(silence(&probe).await, "silent for 20ms");
    }
}

#[test]
fn what_can_never_be_sent_is_refused_by_name() {
    let refused = |probe: Http, field: &str| {
        let error = probe.check().expect_err(field).to_string();
        assert!(error.contains(field) && !error.contains("secret"), "{error}");
        error
    };
    for url in
        ["", "/health", "ftp://host/", "http://", "http://host:0/", "http://host:99999/", "http://a b/"]
    {
        refused(Http::get(url), "url");
    }
    if cfg!(not(feature = "tls")) {
        assert!(refused(Http::get("https://host/"), "url").contains("with its feature `tls`"));
    }
    assert!(refused(Http::get("http://me:secret@host/"), "url").contains("put them into a header"));
    // Typing errors around a password.
    for url in [
        "http:/me:secret@host/",
        "http:///me:secret@host/",
        "https//me:secret@host/?from=http://other/",
        "http://me:se/secret@host/",
        "http://me:se#secret@host/",
        "http://you@me:se/secret@host/",
    ] {
        let probe = Http::get(url);
        refused(probe.clone(), "url");
        let shown = format!("{probe} {probe:?} {:?}", Prometheus::query(url, "up"));
        assert!(shown.contains("@host") && !shown.contains("secret"), "{shown}");
    }
    for method in ["", "CONNECT", "G T"] {
        refused(Http::new(method, "http://host/"), "method");
    }
    let probe = Http::get("http://[::1]:8080/health");
    probe.check().unwrap();
    refused(probe.clone().header("a b", "secret"), "header");
    refused(probe.clone().header("Authorization: secret", ""), "header");
    refused(probe.clone().header("content-length", "7"), "header");
    refused(probe.clone().header("authorization", "secret\r\nx: y"), "authorization");
    refused(probe.clone().json("state"), "JSON pointer");
    refused(probe.answering_within(Duration::ZERO), "answering_within");
}

#[test]
fn no_secret_is_shown() {
    let probe = Http::get("http://me:secret@host/").header("authorization", "secret").body("secret");
    let shown = format!("{probe} {probe:?} {probe:#?}");
    assert!(!shown.contains("secret"), "{shown}");
}

/// A clock whose time does not pass.
#[derive(Debug)]
struct Still;

#[chaos_core::async_trait]
impl Clock for Still {
    fn now(&self) -> chaos_core::jiff::Timestamp {
        chaos_core::jiff::Timestamp::UNIX_EPOCH
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _duration: Duration) {
        std::future::pending().await
    }
}

#[tokio::test]
async fn time_is_that_of_the_clock() {
    let server = Server::saying("200 OK", "").await;
    let probe = Http::get(server.url()).milliseconds().answering_within(Duration::from_nanos(1));
    assert_eq!(probe.look(&Still).await.unwrap(), Reading::from(0.0));
}
