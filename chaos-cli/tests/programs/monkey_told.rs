//! What a service tells people, its supervisor and its metrics, and that no secret is in any of it.

use std::{fs, net::TcpListener, os::unix::net::UnixDatagram, path::PathBuf, time::Duration};

use chaos_core::clock::{Clock, SystemClock};
use rustix::process::Signal;
use serde_json::Value;

use crate::support::{CHAOS, FleetProgram, Watched, command, text, within_limit};

const SECRET: &str = "hunter2";

struct World {
    fleet: FleetProgram,
    config: PathBuf,
    lines: PathBuf,
    address: String,
}

impl World {
    async fn new() -> Self {
        let fleet = FleetProgram::start(3).await;
        let (config, lines) = (fleet.place("monkey.toml"), fleet.place("lines.json"));
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let world = Self { fleet, config, lines, address };
        world.write("");
        world
    }

    fn write(&self, more: &str) {
        let state = self.fleet.state();
        // Nothing listens there: what is sent is given up, and waits for nothing.
        let file = format!(
            r#"
                mode = "unleashed"
                journal = "monkey.journal"
                {more}
                [schedule]
                every = "500ms"
                [[providers]]
                type = "local"
                attach = "{}"
                [[events]]
                type = "stop"
                duration = "1s"
                [[notify]]
                type = "json-lines"
                file = "lines.json"
                [[notify]]
                type = "webhook"
                url = {{ env = "CHAT_URL" }}
                secret = {{ env = "CHAT_SECRET" }}
                [[notify]]
                type = "email"
                host = "127.0.0.1"
                port = 1
                user = "chaos"
                password = {{ env = "MAIL_PASSWORD" }}
                from = "chaos@example.com"
                to = ["on-call@example.com"]
                [service]
                listen = "{}"
                log = "trace"
            "#,
            text(&state),
            self.address
        );
        fs::write(&self.config, file).unwrap();
    }

    fn command(&self) -> tokio::process::Command {
        let mut command = command(CHAOS, ["monkey", "--config", text(&self.config)]);
        command
            .env("CHAT_URL", format!("http://127.0.0.1:1/{SECRET}"))
            .env("CHAT_SECRET", SECRET)
            .env("MAIL_PASSWORD", SECRET);
        command
    }

    fn messages(&self) -> Vec<Value> {
        let lines = fs::read_to_string(&self.lines).unwrap_or_default();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    async fn ask(&self, path: &str) -> String {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(&self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Returns when a message of this kind was written.
    async fn told(&self, kind: &str) {
        let clock = SystemClock::default();
        within_limit(async {
            while !self.messages().iter().any(|message| message["kind"] == kind) {
                clock.sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_file_that_is_refused_is_told_in_the_log_the_metrics_and_messages_and_no_secret_is_anywhere() {
    let world = World::new().await;
    let mut monkey = Watched::of(world.command());
    monkey.says(" recovered").await;
    world.told("recovered").await;
    world.write(&format!("passwort = \"{SECRET}\""));
    monkey.signal(Signal::HUP);
    monkey.says("the file was not taken, and nothing has changed").await;
    world.told("settings-refused").await;
    let metrics = world.ask("/metrics").await;
    assert!(metrics.contains("\nchaos_reloads_failed_total 1\n"), "{metrics}");
    assert!(metrics.contains("chaos_faults_total{event=\"stop\","), "{metrics}");
    assert!(metrics.contains("\nchaos_halted 0\n"), "{metrics}");
    monkey.signal(Signal::TERM);
    let ended = monkey.end().await.with_code(0);
    let journal = fs::read(world.fleet.place("monkey.journal")).unwrap();
    let wal = fs::read(world.fleet.place("monkey.journal-wal")).unwrap_or_default();
    let lines = fs::read_to_string(&world.lines).unwrap();
    for (place, content) in [
        ("output", ended.stdout.into_bytes()),
        ("log", ended.stderr.into_bytes()),
        ("journal", journal),
        ("log of the journal", wal),
        ("messages", lines.into_bytes()),
        ("metrics", metrics.into_bytes()),
    ] {
        let found = content.windows(SECRET.len()).position(|window| window == SECRET.as_bytes());
        let around =
            found.map(|at| String::from_utf8_lossy(&content[at.saturating_sub(200)..at]).into_owned());
        assert_eq!(around, None, "{place}");
    }
}

#[tokio::test]
async fn a_secret_that_is_written_out_is_refused_without_being_shown() {
    let world = World::new().await;
    let file = fs::read_to_string(&world.config).unwrap();
    for (from, to) in [
        ("url = { env = \"CHAT_URL\" }", "url = \"http://127.0.0.1:1/hunter2\""),
        ("secret = { env = \"CHAT_SECRET\" }", "secret = \"hunter2\""),
        ("password = { env = \"MAIL_PASSWORD\" }", "password = \"hunter2\""),
        ("password = { env = \"MAIL_PASSWORD\" }", "passwort = \"hunter2\""),
        ("password = { env = \"MAIL_PASSWORD\" }", "password = { env = [\"hunter2\"] }"),
        ("password = { env = \"MAIL_PASSWORD\" }", "password = \"hunter2"),
        ("[service]", "[service]\npassword = \"hunter2\""),
        ("[[notify]]\n                type = \"email\"", "[notify]\npassword = \"hunter2\""),
    ] {
        assert!(file.contains(from), "{from}");
        fs::write(&world.config, file.replace(from, to)).unwrap();
        let ended = Watched::of(world.command()).end().await.with_code(2);
        assert!(!ended.stderr.contains(SECRET) && !ended.stdout.contains(SECRET), "{to}: {ended:#?}");
        assert!(ended.stderr.contains("monkey.toml:"), "{ended:#?}");
    }
}

/// A service manager of the test: systemd's protocol is one datagram for each message.
#[tokio::test]
async fn a_service_manager_is_told_and_the_watchdog_is_fed_only_while_the_journal_answers() {
    let world = World::new().await;
    let socket = world.fleet.place("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_nonblocking(true).unwrap();
    let manager = tokio::net::UnixDatagram::from_std(manager).unwrap();
    let mut command = world.command();
    command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "1500000").env_remove("WATCHDOG_PID");
    let monkey = Watched::of(command);
    hears(&manager, "READY=1").await;
    hears(&manager, "WATCHDOG=1").await;
    monkey.signal(Signal::HUP);
    hears(&manager, "RELOADING=1").await;
    hears(&manager, "READY=1").await;
    // It does not write into a file that nobody would find.
    fs::rename(world.fleet.place("monkey.journal"), world.fleet.place("moved")).unwrap();
    hears(&manager, "STATUS=the journal").await;
    let fed = heard_within(&manager, "WATCHDOG=1", Duration::from_secs(3)).await;
    assert!(!fed, "the journal is gone");
    let health = world.ask("/healthz").await;
    assert!(health.starts_with("HTTP/1.1 503 ") && health.contains("the journal"), "{health}");
    fs::rename(world.fleet.place("moved"), world.fleet.place("monkey.journal")).unwrap();
    hears(&manager, "WATCHDOG=1").await;
    monkey.signal(Signal::TERM);
    hears(&manager, "STOPPING=1").await;
    monkey.end().await.with_code(0);
}

async fn hears(manager: &tokio::net::UnixDatagram, text: &str) {
    within_limit(async { while !next(manager).await.contains(text) {} }).await;
}

async fn heard_within(manager: &tokio::net::UnixDatagram, text: &str, limit: Duration) -> bool {
    let clock = SystemClock::default();
    tokio::select! {
        biased;
        () = async { while !next(manager).await.contains(text) {} } => true,
        () = clock.sleep(limit) => false,
    }
}

async fn next(manager: &tokio::net::UnixDatagram) -> String {
    let mut datagram = [0; 4096];
    let length = manager.recv(&mut datagram).await.unwrap();
    String::from_utf8_lossy(&datagram[..length]).into_owned()
}
