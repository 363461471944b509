use std::time::Duration;

use chaos_core::steady_state::Probe;
use chaos_probes::Tcp;

use crate::{
    look,
    server::{Server, Then, nobody},
    silence,
};

#[tokio::test]
async fn a_connection_is_accepted_or_refused() {
    let server = Server::answering("", Then::Hang).await;
    let probe = Tcp::connect(&*server.address).answering_within(Duration::from_secs(60));
    assert_eq!(look(&probe).await.unwrap(), true.into());
    let why = silence(&Tcp::connect(nobody().await).answering_within(Duration::from_secs(60))).await;
    assert!(why.starts_with("no connection to 127.0.0.1:"), "{why}");
}

/// A backlog that is full: Linux drops what else arrives.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn silence_is_no_answer() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let probe = Tcp::connect(address.to_string()).answering_within(Duration::from_millis(200));
    let mut held = Vec::new();
    for _ in 0..8 {
        let connecting = tokio::net::TcpStream::connect(address);
        held.push(tokio::spawn(connecting));
    }
    // Once one of them has to wait, so has everybody after it.
    while held.iter().filter(|connecting| connecting.is_finished()).count() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(silence(&probe).await, "silent for 200ms");
    held.iter().for_each(|connecting| connecting.abort());
}

#[test]
fn what_is_no_address_is_refused() {
    for address in ["", "host", "host:", ":80", "host:0", "host:http", "::1:80", "http://host:80", "a b:80"] {
        let error = Tcp::connect(address).check().expect_err(address).to_string();
        assert!(error.contains("invalid address"), "{error}");
    }
    Tcp::connect("[::1]:80").check().unwrap();
    Tcp::connect("db.internal:5432").check().unwrap();
    assert!(Tcp::connect("host:80").answering_within(Duration::ZERO).check().is_err());
}
