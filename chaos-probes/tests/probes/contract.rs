//! Every probe keeps the contract of probes, with a system that answers and with one that is silent.

use std::time::Duration;

use chaos_core::steady_state::Probe;
use chaos_probes::{Http, Prometheus, Tcp};
use chaos_testkit::{Timing, contract};

use crate::server::{Server, Then};

/// No look at a system that answers takes as long.
const LONG: Duration = Duration::from_secs(60);

/// Long enough that a look which blocks its thread meanwhile shows.
const PATIENCE: Duration = Duration::from_millis(600);

async fn keeps_it(probe: &impl Probe, silent: &impl Probe) {
    let timing = Timing::default().settle(LONG);
    contract::probe::check_with_silence(&timing, probe, silent).await.assert_kept();
}

#[tokio::test]
async fn http_keeps_it() {
    let (server, stuck) = (Server::saying("200 OK", "body").await, Server::answering("", Then::Hang).await);
    let probe = Http::get(server.url()).answering_within(LONG);
    let silent = Http::get(stuck.url()).answering_within(PATIENCE);
    keeps_it(&probe, &silent).await;
}

#[tokio::test]
async fn prometheus_keeps_it() {
    let answer = r#"{"status":"success","data":{"resultType":"scalar","result":[1.5,"0.25"]}}"#;
    let (server, stuck) = (Server::saying("200 OK", answer).await, Server::answering("", Then::Hang).await);
    let probe = Prometheus::query(server.url(), "up").answering_within(LONG);
    let silent = Prometheus::query(stuck.url(), "up").answering_within(PATIENCE);
    keeps_it(&probe, &silent).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_command_keeps_it() {
    use chaos_probes::Command;

    let silent = Command::new(["sleep", "600"]).answering_within(PATIENCE);
    keeps_it(&Command::new(["true"]), &silent).await;
    let silent = Command::new(["sleep", "600"]).stdout().answering_within(PATIENCE);
    keeps_it(&Command::new(["echo", "ready"]).stdout(), &silent).await;
}

/// A server that accepts no connection is silent once its backlog is full: Linux drops what else arrives.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn tcp_keeps_it() {
    let server = Server::answering("", Then::Hang).await;
    let probe = Tcp::connect(&*server.address).answering_within(LONG);
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let stuck = socket.listen(0).unwrap();
    let address = stuck.local_addr().unwrap();
    let silent = Tcp::connect(address.to_string()).answering_within(PATIENCE);
    // Each look that connects leaves its connection in the backlog.
    while silent.look(&chaos_core::clock::SystemClock::default()).await.unwrap() == true.into() {}
    keeps_it(&probe, &silent).await;
}
