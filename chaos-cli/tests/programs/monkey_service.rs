//! `chaos monkey` as a service: signals, halts and reloads in the middle of a hold.

use std::{fs, path::PathBuf, time::Duration};

use chaos_core::clock::{Clock, SystemClock};
use rustix::process::Signal;

use crate::support::{CHAOS, Ended, FleetProgram, Watched, command, pending, run, text, within_limit};

/// Far longer than the test: a hold that ends by itself fails it.
const HOLD: &str = "10m";

/// A fleet, and the file of a monkey that strikes it at once.
struct World {
    fleet: FleetProgram,
    config: PathBuf,
    journal: PathBuf,
}

impl World {
    async fn new() -> Self {
        let fleet = FleetProgram::start(3).await;
        let (config, journal) = (fleet.place("monkey.toml"), fleet.place("monkey.journal"));
        let world = Self { fleet, config, journal };
        world.write(&world.file(""));
        world
    }

    fn file(&self, more: &str) -> String {
        let state = self.fleet.state();
        format!(
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
                duration = "{HOLD}"
            "#,
            text(&state)
        )
    }

    fn write(&self, file: &str) {
        fs::write(&self.config, file).unwrap();
    }

    fn start(&self) -> Watched {
        Watched::start(CHAOS, ["monkey", "--config", text(&self.config)])
    }

    /// A monkey in the middle of its hold.
    async fn holding(&self) -> Watched {
        let mut monkey = self.start();
        struck(&mut monkey).await;
        assert_eq!(self.fleet.stopped().len(), 1);
        monkey
    }

    async fn order(&self, words: &[&str]) -> Ended {
        run(CHAOS, words.iter().copied().chain(["--journal", text(&self.journal)])).await
    }

    async fn is_back(&self) {
        assert_eq!(self.fleet.stopped(), [0_u64; 0]);
        assert!(pending(&self.journal).await.is_empty());
    }
}

#[tokio::test]
async fn a_signal_to_stop_ends_the_hold_and_brings_the_target_back_before_the_service_ends() {
    let world = World::new().await;
    for _ in 0..2 {
        let monkey = world.holding().await;
        monkey.signal(Signal::TERM);
        monkey.end().await.with_code(0);
        world.is_back().await;
    }
    // A second signal does no harm.
    let monkey = world.holding().await;
    monkey.signal(Signal::TERM);
    monkey.signal(Signal::TERM);
    monkey.end().await.with_code(0);
    world.is_back().await;
}

#[tokio::test]
async fn a_halt_makes_a_live_monkey_let_go_and_keeps_it_from_injecting_until_it_is_resumed() {
    let world = World::new().await;
    let mut monkey = world.holding().await;
    let halted = world.order(&["halt", "--reason", "the shop is down"]).await.with_code(0);
    assert!(halted.stdout.starts_with("halted until `chaos resume`"), "{halted:#?}");
    world.is_back().await;
    monkey.says("halted: the shop is down").await;
    let again = world.order(&["halt", "--reason", "once more"]).await.with_code(0);
    assert!(
        again.stderr.contains("halted already") && again.stderr.contains("the shop is down"),
        "{again:#?}"
    );
    monkey.says("everything is halted: the shop is down").await;
    let resumed = world.order(&["resume"]).await.with_code(0);
    assert!(resumed.stdout.contains("the shop is down"), "{resumed:#?}");
    assert_eq!(world.order(&["resume"]).await.with_code(0).stdout, "it was not halted\n");
    struck(&mut monkey).await;
    monkey.signal(Signal::TERM);
    monkey.end().await.with_code(0);
    world.is_back().await;
}

#[tokio::test]
async fn a_halt_recovers_what_a_killed_monkey_has_left() {
    let world = World::new().await;
    let monkey = world.holding().await;
    monkey.signal(Signal::KILL);
    assert!(monkey.end().await.was_killed());
    for _ in 0..2 {
        world.order(&["halt", "--reason", "it was killed"]).await.with_code(0);
        world.is_back().await;
    }
}

#[tokio::test]
async fn a_monkey_that_was_killed_in_a_hold_recovers_it_before_anything_else() {
    let world = World::new().await;
    let monkey = world.holding().await;
    monkey.signal(Signal::KILL);
    monkey.end().await;
    let mut monkey = world.start();
    monkey.says("of an earlier run taken over").await;
    monkey.says(" recovered").await;
    monkey.says("planned: ").await;
    monkey.signal(Signal::TERM);
    monkey.end().await.with_code(0);
    world.is_back().await;
}

#[tokio::test]
async fn a_broken_file_changes_nothing_and_a_sound_one_is_taken_while_the_hold_goes_on() {
    let world = World::new().await;
    let mut monkey = world.holding().await;
    world.write(&world.file("mod = \"leashed\""));
    monkey.signal(Signal::HUP);
    monkey.says("the file was not taken, and nothing has changed").await;
    assert_eq!(world.fleet.stopped().len(), 1, "the hold goes on");
    // One fault more at a time shows that the new file is in force.
    world.write(&format!(
        "{}\n[blast-radius]\nmax-active = 2\ntargets-per-group = 2\nmin-healthy = 1\n",
        world.file("")
    ));
    monkey.signal(Signal::HUP);
    monkey.says("the file was read again").await;
    struck(&mut monkey).await;
    assert_eq!(world.fleet.stopped().len(), 2, "both holds go on");
    monkey.signal(Signal::TERM);
    monkey.end().await.with_code(0);
    world.is_back().await;
}

#[tokio::test]
async fn a_hold_on_a_target_that_is_denied_now_is_cut_short_and_no_other() {
    let world = World::new().await;
    let wide =
        "[blast-radius]\nmax-active = 2\ntargets-per-run = 2\ntargets-per-group = 2\nmin-healthy = 1\n";
    world.write(&format!("{}\n{wide}", world.file("")));
    let mut monkey = world.start();
    monkey.says(" injected").await;
    let clock = SystemClock::default();
    within_limit(async {
        while world.fleet.stopped().len() < 2 {
            clock.sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let held = world.fleet.stopped();
    let deny = format!("[targets]\ndeny = [\"*/replica-{}\"]\n", held[0]);
    world.write(&format!("{}\n{wide}\n{deny}", world.file("")));
    monkey.signal(Signal::HUP);
    monkey.says("the file no longer permits it").await;
    monkey.says(" recovered").await;
    assert!(!world.fleet.stopped().contains(&held[0]), "it is back");
    assert!(world.fleet.stopped().contains(&held[1]), "the other is held");
    monkey.signal(Signal::TERM);
    monkey.end().await.with_code(0);
    world.is_back().await;
}

#[tokio::test]
async fn health_is_answered_and_a_port_in_use_is_one_line() {
    let world = World::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    world.write(&format!("{}\n[service]\nlisten = \"{address}\"\n", world.file("")));
    let ended = run(CHAOS, ["monkey", "--config", text(&world.config)]).await.with_code(2);
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:#?}");
    assert!(ended.stderr.contains("service.listen") && ended.stderr.contains(&address), "{ended:#?}");
    drop(taken);
    let mut monkey = world.start();
    struck(&mut monkey).await;
    let answered = ask(&address, "/healthz").await;
    assert!(answered.starts_with("HTTP/1.1 200 ") && answered.ends_with("well\n"), "{answered}");
    assert!(ask(&address, "/").await.starts_with("HTTP/1.1 404 "));
    monkey.signal(Signal::TERM);
    monkey.end().await.with_code(0);
    world.is_back().await;
}

#[tokio::test]
async fn a_service_that_cannot_listen_recovers_what_a_killed_one_has_left_all_the_same() {
    let world = World::new().await;
    let monkey = world.holding().await;
    monkey.signal(Signal::KILL);
    assert!(monkey.end().await.was_killed());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("[service]\nlisten = \"{}\"\n", taken.local_addr().unwrap());
    world.write(&format!("{}\n{listen}", world.file("")));
    let ended = run(CHAOS, ["monkey", "--config", text(&world.config)]).await.with_code(2);
    assert!(ended.stderr.contains("service.listen"), "{ended:#?}");
    world.is_back().await;
}

#[tokio::test]
async fn a_check_starts_nothing_and_creates_nothing() {
    let world = World::new().await;
    let child = command(CHAOS, ["monkey", "--check", "--config", text(&world.config)]).spawn().unwrap();
    let ended = crate::support::end(child).await.with_code(0);
    assert!(ended.stdout.contains("is sound"), "{ended:#?}");
    assert!(!world.journal.exists());
    assert_eq!(world.fleet.stopped(), [0_u64; 0]);
}

/// Returns when the next fault is injected.
async fn struck(monkey: &mut Watched) {
    monkey.says(" is being injected").await;
    monkey.says(" injected").await;
}

async fn ask(address: &str, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
