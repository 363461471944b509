use chaos_lab::{
    experiment::{HttpProvider, Provider},
    runner::{Runner, Trouble, TroubleKind},
    substitution::Names,
};
use serde_json::{Map, Value, json};

use crate::{
    server::{HANG, Server, answer},
    soon,
};

fn names() -> Names {
    Names::default().with("n", 7).with_secret("web", "token", "hunter2")
}

async fn send(provider: HttpProvider) -> Result<Value, Trouble> {
    soon(Runner::start().unwrap().carry_out(&Provider::Http(provider), &names())).await
}

fn get(url: String) -> HttpProvider {
    HttpProvider::get(url)
}

fn by(method: &str, url: String, kind: Option<&str>, arguments: Value) -> HttpProvider {
    let mut provider = HttpProvider::get(url);
    provider.method = method.to_owned();
    provider.arguments = arguments;
    provider.headers = kind.map(|kind| ("content-type".to_owned(), kind.into())).into_iter().collect();
    provider
}

#[tokio::test]
async fn an_answer_has_its_names_as_written_and_is_parsed_only_if_its_type_says_exactly_so() {
    for (kind, body, expected) in [
        ("application/json", r#"{"a": [1]}"#, json!({ "a": [1] })),
        ("application/json; charset=utf-8", "[1]", json!("[1]")),
        ("application/json", "no", json!("no")),
        ("text/plain", "é", json!("é")),
        ("text/plain; charset=ISO-8859-1", "\u{e9}", json!("\u{c3}\u{a9}")),
    ] {
        let server =
            Server::saying("418 Teapot", &format!("conTent-TYPE: {kind}\r\nX-a: 1\r\nx-A: 2\r\n"), body)
                .await;
        let output = send(get(server.url("/"))).await.unwrap();
        let headers =
            json!({ "conTent-TYPE": kind, "X-a": "1, 2", "Content-Length": body.len().to_string() });
        assert_eq!(output, json!({ "status": 418, "headers": headers, "body": expected }), "{kind}");
    }
}

/// Interim answers have heads of their own, with names in a way of their own.
#[tokio::test]
async fn the_names_are_those_of_the_last_head() {
    let interim =
        "100 Continue\r\nx-mixed: early\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 200 OK";
    let server = Server::saying(interim, "X-MiXed: late\r\nLINK: b\r\n", "x-mixed: body").await;
    let output = send(get(server.url("/"))).await.unwrap();
    assert_eq!(output["headers"], json!({ "X-MiXed": "late", "LINK": "b", "Content-Length": "13" }));
}

#[tokio::test]
async fn a_request_is_what_requests_would_send() {
    let server = Server::saying("200 OK", "", "").await;
    let form = "application/x-www-form-urlencoded";
    let json_kind = Some("application/json");
    for (method, path, kind, arguments, line, type_line, body) in [
        (
            "get",
            "/a?b=1",
            None,
            json!({ "n": "${n}", "l": [1, "x y"], "z": null }),
            "GET /a?b=1&n=7&l=1&l=x+y",
            None,
            "",
        ),
        ("GET", "/é", None, json!("q=$n"), "GET /%C3%A9?q=7", None, ""),
        ("POST", "", None, json!({ "a": true, "b": "ü" }), "POST /", Some(form), "a=True&b=%C3%BC"),
        ("POST", "/", None, json!("raw $n"), "POST /", None, "raw 7"),
        ("PUT", "/", json_kind, json!({ "a": ["${n}"] }), "PUT /", json_kind, r#"{"a":[7]}"#),
        (
            "POST",
            "/",
            Some("application/json;v=1"),
            json!({ "a": 1 }),
            "POST /",
            Some("application/json;v=1"),
            "a=1",
        ),
        ("DELETE", "/", None, json!(null), "DELETE /", None, ""),
    ] {
        let output = send(by(method, server.url(path), kind, arguments)).await.unwrap();
        assert_eq!(output["status"], 200);
        let request = server.requests().pop().unwrap();
        let (head, sent) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("{line} HTTP/1.1\r\n")), "{head}");
        let kind = head.lines().find_map(|line| line.strip_prefix("Content-Type: "));
        assert_eq!((kind, sent), (type_line, body), "{head}");
        for line in ["Accept: */*", "User-Agent: chaos/", &format!("Host: 127.0.0.1:{}", server.port)] {
            assert!(head.contains(line), "{head}");
        }
        assert!(!head.contains("Accept-Encoding"), "{head}");
    }
}

#[tokio::test]
async fn headers_are_substituted_and_a_password_of_the_url_becomes_one() {
    let server = Server::saying("200 OK", "", "").await;
    let mut provider = get(format!("http://me:p%40ss@127.0.0.1:{}/", server.port));
    let headers = json!({ "X-N": "${n}", "X-Token": "t $token", "X-None": null, "Content-Length": 99 });
    provider.headers = headers.as_object().cloned().unwrap();
    send(provider).await.unwrap();
    let request = server.requests().pop().unwrap();
    for line in ["X-N: 7\r\n", "X-Token: t hunter2\r\n", "Authorization: Basic bWU6cEBzcw==\r\n"] {
        assert!(request.contains(line), "{request}");
    }
    // The port may hold a 99.
    assert!(!request.contains("None") && !request.contains(": 99"), "{request}");
}

#[tokio::test]
async fn redirects_are_followed_as_requests_does() {
    for (status, method, then) in [
        ("301 M", "POST", "GET"),
        ("301 M", "PUT", "PUT"),
        ("302 F", "POST", "GET"),
        ("302 F", "HEAD", "HEAD"),
        ("303 S", "PUT", "GET"),
        ("307 T", "POST", "POST"),
        ("308 P", "PUT", "PUT"),
    ] {
        let away = answer(status, "Location: ../b?c=1\r\n", "");
        let server =
            Server::answering([away, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned()]).await;
        let mut provider = by(method, server.url("/x/a"), None, json!({ "a": 1 }));
        provider.headers.insert("Authorization".to_owned(), "$token".into());
        assert_eq!(send(provider).await.unwrap()["status"], 200);
        let second = server.requests().pop().unwrap();
        assert!(second.starts_with(&format!("{then} /b?c=1 HTTP/1.1\r\n")), "{status} {second}");
        assert!(second.contains("hunter2"), "{second}");
        let keeps_body = status.starts_with("307") || status.starts_with("308");
        assert_eq!(second.ends_with("\r\n\r\na=1"), keeps_body, "{status} {second}");
    }
}

#[tokio::test]
async fn another_host_is_shown_no_authorization_and_a_circle_of_redirects_ends() {
    let other = Server::saying("200 OK", "", "").await;
    let location = format!("Location: {}\r\n", other.url("/"));
    let server = Server::saying("302 Found", &location, "").await;
    let mut provider = get(server.url("/"));
    provider.headers.insert("Authorization".to_owned(), "hunter2".into());
    assert_eq!(send(provider).await.unwrap()["status"], 200);
    assert!(!other.requests()[0].contains("hunter2"));

    let circle = Server::saying("302 Found", "Location: /\r\n", "").await;
    assert_eq!(send(get(circle.url("/"))).await.unwrap_err().kind(), TroubleKind::NoAnswer);
    assert_eq!(circle.requests().len(), 31);
}

#[tokio::test]
async fn a_long_body_is_read_up_to_a_mebibyte_even_if_it_never_ends() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n";
    let server = Server::answering([format!("{head}{}HANG", "x".repeat(2 << 20))]).await;
    let output = send(get(server.url("/"))).await.unwrap();
    assert_eq!(output["body"], "x".repeat(1 << 20));
    assert_eq!(output["truncated"], true);
}

#[tokio::test]
async fn trouble_has_its_kind_and_shows_no_secret() {
    let refused = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://hunter2:hunter2@{}/", listener.local_addr().unwrap())
    };
    let hangs_up = Server::answering([String::new()]).await;
    let babbles = Server::answering(["hunter2 hunter2\r\n\r\n".to_owned()]).await;
    let silent = Server::answering([HANG.to_owned()]).await;
    let stops = Server::answering(["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nHANG".to_owned()]).await;
    let short = Server::answering(["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc".to_owned()]).await;
    for (url, timeout, kind) in [
        (refused, json!(null), TroubleKind::Unreachable),
        ("http://no-such-host.invalid/${token}".to_owned(), json!(null), TroubleKind::Unreachable),
        (hangs_up.url("/?t=${token}"), json!(null), TroubleKind::Unreachable),
        (babbles.url("/"), json!(null), TroubleKind::NoAnswer),
        (silent.url("/"), json!(0.05), TroubleKind::TimedOut),
        (stops.url("/"), json!([null, 0.05]), TroubleKind::TimedOut),
        (short.url("/"), json!(null), TroubleKind::Unreachable),
        ("hunter2".to_owned(), json!(null), TroubleKind::Refused),
        ("ftp://hunter2/".to_owned(), json!(null), TroubleKind::Refused),
        ("http://127.0.0.1:1/".to_owned(), json!("hunter2"), TroubleKind::Refused),
    ] {
        let mut provider = get(url.clone());
        provider.timeout = timeout;
        let trouble = send(provider).await.unwrap_err();
        assert_eq!(trouble.kind(), kind, "{url}: {trouble}");
        assert!(!format!("{trouble} {trouble:?}").contains("hunter2"), "{trouble}");
    }
    let mut provider = get(silent.url("/"));
    provider.headers = Map::from_iter([("X".to_owned(), "hunter2\n".into())]);
    let trouble = send(provider).await.unwrap_err();
    assert_eq!(trouble.kind(), TroubleKind::Refused);
    assert!(!trouble.to_string().contains("hunter2"));
}
