//! `chaos diagnose` names the cause in its first line, and changes nothing.

use std::{fs, net::TcpListener, path::PathBuf, time::Duration};

use chaos_core::clock::{Clock, SystemClock};
use chaos_journal::SqlJournal;
use jiff::{SignedDuration, tz::TimeZone};
use rustix::process::Signal;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{CHAOS, Ended, FleetProgram, command, end, pending, run, send, text, within_limit};

struct World {
    fleet: FleetProgram,
    config: PathBuf,
    journal: PathBuf,
}

impl World {
    async fn new() -> Self {
        let fleet = FleetProgram::start(3).await;
        let (config, journal) = (fleet.place("monkey.toml"), fleet.place("monkey.journal"));
        Self { fleet, config, journal }
    }

    /// The diagnosis of a sound file with `more` in it.
    async fn diagnose(&self, more: &str, arguments: &[&str]) -> Ended {
        self.diagnose_event(more, "type = \"stop\"\nduration = \"5s\"", arguments).await
    }

    async fn diagnose_event(&self, more: &str, event: &str, arguments: &[&str]) -> Ended {
        let file = format!(
            "mode = \"unleashed\"\njournal = \"monkey.journal\"\n[[providers]]\ntype = \"local\"\nattach = \"{}\"\n\
             [[events]]\n{event}\n{more}\n",
            text(&self.fleet.state()),
        );
        fs::write(&self.config, file).unwrap();
        let before = (self.fleet.processes(), self.fleet.stopped());
        let words = ["diagnose", "--config", text(&self.config)];
        let ended = run(CHAOS, words.iter().chain(arguments)).await;
        assert_eq!(
            (self.fleet.processes(), self.fleet.stopped()),
            before,
            "it changed something: {ended:#?}"
        );
        ended
    }
}

fn first_line(ended: &Ended) -> &str {
    ended.stdout.lines().next().unwrap()
}

/// An event of iCalendar that lasts today.
fn freeze_today() -> String {
    let now = SystemClock::default().now().to_zoned(TimeZone::UTC);
    let day = |days: i64| (&now + SignedDuration::from_hours(24 * days)).date().to_string().replace('-', "");
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:1@example.com\r\n\
         DTSTAMP:{0}T000000Z\r\nDTSTART;VALUE=DATE:{0}\r\nDTEND;VALUE=DATE:{1}\r\n\
         SUMMARY:Code freeze\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        day(-1),
        day(2)
    )
}

#[tokio::test]
async fn the_cause_is_in_the_first_line_and_nothing_is_changed() {
    let world = World::new().await;
    let well = world.diagnose("", &[]).await.with_code(0);
    assert!(well.stdout.contains("fine   plan: the next run would inject stop on local:"), "{well:#?}");
    assert!(!world.journal.exists(), "it creates no journal");

    // Closed by a company calendar; the same holds for holidays.
    fs::write(world.fleet.place("company.ics"), freeze_today()).unwrap();
    let open = "[calendar]\nzone = \"UTC\"\nhours = \"00:00-24:00\"\ndays = \"mon-sun\"\n";
    let ended = world.diagnose(&format!("{open}files = [\"company.ics\"]"), &[]).await.with_code(3);
    assert!(first_line(&ended).starts_with("WRONG  calendar: closed: Code freeze"), "{ended:#?}");
    assert!(first_line(&ended).contains("it opens next at "), "{ended:#?}");

    // Denied, and not opted in.
    let ended = world.diagnose("[targets]\ndeny = [\"*\"]", &[]).await.with_code(3);
    assert!(first_line(&ended).contains("denies") && first_line(&ended).contains('*'), "{ended:#?}");
    let ended = world.diagnose("[targets]\nopt-in = true", &[]).await.with_code(3);
    assert!(first_line(&ended).contains("opt"), "{ended:#?}");

    // A pattern that protects nobody is to be looked at, and keeps nothing from being hit.
    let ended = world.diagnose("[targets]\ndeny = [\"nobody\"]", &[]).await.with_code(0);
    assert!(first_line(&ended).starts_with("CHECK  pattern nobody: "), "{ended:#?}");
    // Open at all hours.
    let ended = world.diagnose(open, &[]).await.with_code(0);
    assert!(ended.stdout.contains("fine   calendar: open\n"), "{ended:#?}");

    // Too few would be healthy.
    let ended = world.diagnose("[blast-radius]\nmin-healthy = \"100%\"", &[]).await.with_code(3);
    assert!(first_line(&ended).contains("2 healthy members would be left; at least 3 must be"), "{ended:#?}");

    // Not steady: nothing listens at a port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let steady = format!(
        "[steady-state]\nprobes = [{{ name = \"front\", type = \"tcp\", address = \"127.0.0.1:{port}\", \
         tolerance = true }}]"
    );
    let ended = world.diagnose(&steady, &[]).await.with_code(3);
    assert!(first_line(&ended).contains("front"), "{ended:#?}");

    // An event that cannot be prepared: its folder is not there.
    let event = "type = \"disk-fill\"\npath = \"/no/such/folder\"\nbytes = \"1MiB\"\nduration = \"5s\"";
    let ended = world.diagnose_event("", event, &[]).await.with_code(3);
    assert!(first_line(&ended).starts_with("WRONG  event disk-fill: "), "{ended:#?}");

    // A notifier that cannot be reached.
    let notify = "[[notify]]\ntype = \"webhook\"\nurl = { file = \"/dev/null\" }";
    let refused = world.diagnose(notify, &[]).await.with_code(2);
    assert!(refused.stderr.contains("notify[0].url"), "{refused:#?}");
    let secret = world.fleet.place("chat-url");
    fs::write(&secret, format!("http://127.0.0.1:{port}/hunter2\n")).unwrap();
    let notify = format!("[[notify]]\ntype = \"webhook\"\nurl = {{ file = \"{}\" }}", text(&secret));
    let ended = world.diagnose(&notify, &["--send-test"]).await.with_code(3);
    assert!(first_line(&ended).starts_with("WRONG  notify[0]: "), "{ended:#?}");
    assert!(!ended.stdout.contains("hunter2") && !ended.stderr.contains("hunter2"), "{ended:#?}");
}

#[tokio::test]
async fn what_is_wrong_with_the_journal_or_the_provider_is_in_the_first_line() {
    let world = World::new().await;
    let journal = SqlJournal::open(&world.journal).await.unwrap();
    journal.close().await.unwrap();
    run(CHAOS, ["halt", "--journal", text(&world.journal), "--reason", "a release"]).await.with_code(0);
    let ended = world.diagnose("", &[]).await.with_code(3);
    assert!(first_line(&ended).starts_with("WRONG  journal: halted since "), "{ended:#?}");
    assert!(first_line(&ended).contains("a release"), "{ended:#?}");
    run(CHAOS, ["resume", "--journal", text(&world.journal)]).await.with_code(0);
    assert!(pending(&world.journal).await.is_empty());

    // A journal of a later version.
    let pool = sqlx::SqlitePool::connect(&format!("sqlite:{}", text(&world.journal))).await.unwrap();
    sqlx::query("PRAGMA user_version = 9999").execute(&pool).await.unwrap();
    pool.close().await;
    let ended = world.diagnose("", &[]).await.with_code(3);
    assert!(first_line(&ended).starts_with("WRONG  journal: "), "{ended:#?}");
    assert!(first_line(&ended).contains("9999"), "{ended:#?}");
    fs::remove_file(&world.journal).unwrap();

    // Two of three are stopped by hand.
    for (_, pid, _) in world.fleet.replicas().into_iter().take(2) {
        send(pid.unwrap(), Signal::STOP);
    }
    let clock = SystemClock::default();
    within_limit(async {
        while world.fleet.stopped().len() < 2 {
            clock.sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let ended = world.diagnose("", &[]).await.with_code(3);
    assert!(first_line(&ended).contains("it is stopped"), "{ended:#?}");
    for (_, pid, _) in world.fleet.replicas().into_iter().take(2) {
        send(pid.unwrap(), Signal::CONT);
    }

    let absent =
        fs::read_to_string(&world.config).unwrap().replace(text(&world.fleet.state()), "/no/such/fleet");
    fs::write(&world.config, absent).unwrap();
    let ended = run(CHAOS, ["diagnose", "--config", text(&world.config)]).await.with_code(3);
    assert!(first_line(&ended).contains("/no/such/fleet"), "{ended:#?}");
}

/// Answers every request with `body`, as long as it lives.
async fn serve(listener: tokio::net::TcpListener, body: String) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await.unwrap();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn a_calendar_at_a_url_closes_with_its_events_and_if_it_cannot_be_fetched() {
    let world = World::new().await;
    let open = "[calendar]\nzone = \"UTC\"\nhours = \"00:00-24:00\"\ndays = \"mon-sun\"\n";
    let with_feed = format!("{open}feeds = [{{ env = \"CALENDAR_URL\" }}]");
    world.diagnose(open, &[]).await.with_code(0);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(serve(listener, freeze_today()));
    // Written by the first diagnosis, with this calendar in place.
    let config = fs::read_to_string(&world.config).unwrap().replace(open, &with_feed);
    fs::write(&world.config, config).unwrap();
    let diagnose = async |url: String| {
        let mut command = command(CHAOS, ["diagnose", "--config", text(&world.config)]);
        end(command.env("CALENDAR_URL", url).spawn().unwrap()).await
    };
    let frozen = diagnose(format!("http://{address}/hunter2.ics")).await.with_code(3);
    assert!(first_line(&frozen).starts_with("WRONG  calendar: closed: Code freeze"), "{frozen:#?}");
    serving.abort();
    let _ = serving.await;
    let gone = diagnose(format!("http://{address}/hunter2.ics")).await.with_code(3);
    assert!(first_line(&gone).starts_with("WRONG  calendar.feeds[0]: "), "{gone:#?}");
    assert!(gone.stdout.contains("WRONG  calendar: closed: "), "{gone:#?}");
    let no_url = diagnose("hunter2".to_owned()).await.with_code(2);
    assert!(no_url.stderr.contains("calendar.feeds[0]"), "{no_url:#?}");
    for ended in [frozen, gone, no_url] {
        assert!(!format!("{ended:?}").contains("hunter2"), "{ended:#?}");
    }
}
