use std::time::Duration;

use chaos_core::steady_state::Probe;
use chaos_probes::Prometheus;

use crate::{
    look,
    server::{Server, Then, nobody},
    silence,
};

const LONG: Duration = Duration::from_secs(60);

fn answer(kind: &str, result: &str) -> String {
    format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":{result}}}}}"#)
}

fn asking(server: &Server) -> Prometheus {
    Prometheus::query(server.url(), r#"sum(up{job="a b"})"#).answering_within(LONG)
}

#[tokio::test]
async fn a_scalar_and_a_vector_of_one_are_numbers() {
    for (kind, result) in
        [("scalar", r#"[1.5,"0.25"]"#), ("vector", r#"[{"metric":{"a":"b"},"value":[1.5,"0.25"]}]"#)]
    {
        let server = Server::saying("200 OK", &answer(kind, result)).await;
        assert_eq!(look(&asking(&server)).await.unwrap(), 0.25.into());
        let request = server.requests.lock().unwrap().remove(0);
        let line = "GET /api/v1/query?query=sum%28up%7Bjob%3D%22a%20b%22%7D%29 HTTP/1.1\r\n";
        assert!(request.starts_with(line), "{request}");
    }
}

#[tokio::test]
async fn what_is_no_single_number_is_no_answer_that_says_which() {
    let one = r#"{"metric":{},"value":[1,"1"]}"#;
    for (kind, result, said) in [
        ("vector", "[]".to_owned(), "empty vector"),
        ("vector", format!("[{one},{one},{one}]"), "3 elements"),
        ("scalar", r#"[1,"NaN"]"#.to_owned(), "NaN"),
        ("scalar", r#"[1,"+Inf"]"#.to_owned(), "+Inf"),
        ("vector", r#"[{"metric":{},"value":[1,"-Inf"]}]"#.to_owned(), "-Inf"),
    ] {
        let server = Server::saying("200 OK", &answer(kind, &result)).await;
        let why = silence(&asking(&server)).await;
        assert!(why.contains(said), "{why}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_tell_is_a_doubt() {
    let gone = Prometheus::query(format!("http://{}", nobody().await), "up").answering_within(LONG);
    let error = look(&gone).await.unwrap_err().to_string();
    assert!(error.contains("no connection to"), "{error}");
    let rejected = r#"{"status":"error","errorType":"bad_data","error":"parse error: unexpected end"}"#;
    for (status, body, said) in [
        ("400 Bad Request", rejected.to_owned(), "parse error"),
        ("503 Service Unavailable", "sorry".to_owned(), "503"),
        ("200 OK", "[".repeat(10_000), "200"),
        ("200 OK", answer("matrix", "[]"), "matrix"),
        ("200 OK", answer("scalar", r#"[1,"many"]"#), "no number"),
        ("200 OK", answer("vector", "[7]"), "without a number"),
        ("200 OK", answer("scalar", "null"), "without a number"),
    ] {
        let server = Server::saying(status, &body).await;
        let error = look(&asking(&server)).await.unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    let server = Server::answering("", Then::Hang).await;
    let error = look(&asking(&server).answering_within(Duration::from_millis(20))).await.unwrap_err();
    assert!(error.to_string().contains("silent for 20ms"), "{error}");
}

#[test]
fn what_can_never_be_asked_is_refused_and_no_header_is_shown() {
    let base = "http://127.0.0.1:9090/prometheus/";
    let probe = Prometheus::query(base, "up").header("authorization", "secret");
    probe.check().unwrap();
    assert!(!format!("{probe} {probe:?}").contains("secret"));
    assert!(Prometheus::query(base, " ").check().is_err());
    assert!(probe.answering_within(Duration::ZERO).check().is_err());
    for base in ["", "host:9090", "http://host/?a=b"] {
        assert!(Prometheus::query(base, "up").check().unwrap_err().to_string().contains("invalid url"));
    }
}
