//! Answers that no honest server sends.

use std::time::Duration;

use chaos_probes::{Http, Prometheus};

use crate::{
    look,
    server::{Server, Then},
    silence,
};

const LONG: Duration = Duration::from_secs(60);
const MIB: usize = 1024 * 1024;

fn at(server: &Server) -> Http {
    Http::get(server.url()).answering_within(LONG)
}

#[tokio::test]
async fn what_is_not_an_answer_is_none() {
    let tls_alert = b"\x15\x03\x01\x00\x02\x02\x16".to_vec();
    let answers: [(&str, Vec<u8>); 9] = [
        ("nothing", Vec::new()),
        ("another protocol", b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()),
        ("TLS", tls_alert),
        ("half a header", b"HTTP/1.1 200 OK\r\ncontent-le".to_vec()),
        ("too short a body", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort".to_vec()),
        ("no length", b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n".to_vec()),
        ("less than no length", b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n".to_vec()),
        ("two lengths", b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab".to_vec()),
        ("half a chunk", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nshort".to_vec()),
    ];
    for (what, answer) in answers {
        let server = Server::answering(answer, Then::Close).await;
        let why = silence(&Http::get(server.url()).answering_within(LONG)).await;
        assert!(!why.contains("silent"), "{what}: {why}");
    }
}

#[tokio::test]
async fn a_body_is_read_up_to_a_bound() {
    let endless = b"HTTP/1.1 200 OK\r\n\r\n".iter().copied().chain(std::iter::repeat_n(b'x', 65_536));
    let server = Server::answering(endless.collect::<Vec<_>>(), Then::Repeat).await;
    let why = silence(&Http::get(server.url()).answering_within(LONG)).await;
    assert_eq!(why, "the body is longer than 1 MiB");
    let server = Server::saying("200 OK", &"x".repeat(1024 * 1024 + 1)).await;
    assert_eq!(
        silence(&Http::get(server.url()).answering_within(LONG)).await,
        "the body is longer than 1 MiB"
    );
    let most = "x".repeat(1024 * 1024);
    let server = Server::saying("200 OK", &most).await;
    assert_eq!(look(&Http::get(server.url()).answering_within(LONG).text()).await.unwrap(), most.into());
}

#[tokio::test]
async fn the_first_of_two_answers_counts() {
    let two = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\naHTTP/1.1 503 Sorry\r\ncontent-length: 0\r\n\r\n";
    let server = Server::answering(two, Then::Close).await;
    assert_eq!(look(&Http::get(server.url()).answering_within(LONG).text()).await.unwrap(), "a".into());
}

/// The kernel keeps some megabytes of what was sent and never read.
#[tokio::test]
async fn an_answer_without_end_is_cut_and_not_read_on() {
    let long = "\r\ncontent-length: 52428800\r\n\r\n";
    let chunked = "\r\ntransfer-encoding: chunked\r\n\r\n";
    for (what, begin, more, said) in [
        ("a status", "", "K", "too large"),
        ("one header", "\r\na: ", "b", "too large"),
        ("headers", "\r\n", "a: b\r\n", "too large"),
        ("a body of 50 MiB", long, "x", "longer than 1 MiB"),
        ("a body without length", "\r\n\r\n", "x", "longer than 1 MiB"),
        ("chunks", chunked, "10\r\nsixteen letters.\r\n", "longer than 1 MiB"),
        ("one chunk", &format!("{chunked}3200000\r\n"), "x", "longer than 1 MiB"),
        ("extensions of a chunk", &format!("{chunked}1;"), "x", "broke off"),
        ("trailers", &format!("{chunked}0\r\n"), "a: b\r\n", "broke off"),
    ] {
        let first = format!("HTTP/1.1 200 OK{begin}");
        let mut server = Server::beginning(first, more.repeat(MIB / more.len())).await;
        let why = silence(&at(&server)).await;
        assert!(why.contains(said), "{what}: {why}");
        let taken = server.taken.recv().await.unwrap();
        assert!(taken < 50 * MIB, "{what}: {taken} bytes");
    }
}

/// A client may skip them, and keeps none of them.
#[tokio::test]
async fn interim_answers_and_leading_zeros_without_end_are_silence() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for (first, more) in [("", "HTTP/1.1 100 Continue\r\n\r\n"), (chunked, "0")] {
        let server = Server::beginning(first, more.repeat(MIB / more.len())).await;
        let probe = at(&server).answering_within(Duration::from_millis(200));
        assert_eq!(silence(&probe).await, "silent for 200ms");
    }
}

#[tokio::test]
async fn json_that_is_deep_or_no_text_is_no_answer_or_a_doubt() {
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    for (body, said) in [(deep.as_bytes(), "recursion limit"), (b"{\"a\": \"\xff\"}", "not JSON")] {
        let answer =
            [format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes(), body].concat();
        let server = Server::answering(answer, Then::Close).await;
        let why = silence(&at(&server).json("/a")).await;
        assert!(why.contains(said), "{why}");
        let error = look(&Prometheus::query(server.url(), "up").answering_within(LONG)).await.unwrap_err();
        assert!(error.to_string().contains("200 OK"), "{error}");
        // The bytes themselves are a text, with those replaced that are none.
        let text = String::from_utf8_lossy(body).into_owned();
        assert_eq!(look(&at(&server).text()).await.unwrap(), text.into());
    }
}

#[tokio::test]
async fn an_answer_to_head_has_a_length_and_no_body() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", Then::Hang).await;
    let probe = Http::new("HEAD", server.url()).answering_within(LONG);
    assert_eq!(look(&probe).await.unwrap(), 200.into());
}
