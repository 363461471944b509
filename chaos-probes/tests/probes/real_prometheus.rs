//! Prometheus itself, which scrapes a page of the test.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use chaos_core::clock::{Clock, SystemClock};
use chaos_probes::Prometheus;
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::{look, server::Server, silence, soon};

/// The program `prometheus`, as Debian packages it.
const PROMETHEUS: &str = "CHAOS_PROMETHEUS";
const LONG: Duration = Duration::from_secs(60);

/// A server in a folder of its own, which ends with its test.
struct Running {
    program: Child,
    url: String,
    _folder: TempDir,
}

impl Running {
    /// Starts one that scrapes a page each second. If the program is not there, returns `None` and prints that.
    async fn scraping(page: &Server) -> Option<Self> {
        let Some(program) = env::var_os(PROMETHEUS).map(PathBuf::from).filter(|program| program.exists())
        else {
            assert_ne!(env::var("CI").as_deref(), Ok("true"), "in CI, {PROMETHEUS} must name prometheus");
            // Past the capture of what tests print, at the beginning of a line.
            let _ = writeln!(
                std::io::stderr(),
                "\nskipped: the test against Prometheus: {PROMETHEUS} does not name it; ./test.sh unpacks it"
            );
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let configuration = folder.path().join("prometheus.yml");
        let scraped = format!(
            "global: {{ scrape_interval: 1s }}\n\
             scrape_configs: [{{ job_name: shop, static_configs: [{{ targets: ['{}'] }}] }}]\n",
            page.address
        );
        fs::write(&configuration, scraped).unwrap();
        let mut program = Command::new(program)
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = lines_of(&mut program);
        let mut running = Self { program, url: String::new(), _folder: folder };
        loop {
            let line = lines.recv().await.unwrap();
            if line.contains("\"Listening on\"") {
                let (_, address) = line.rsplit_once("address=").unwrap();
                running.url = format!("http://{}", address.trim());
            }
            if line.contains("Server is ready") {
                return Some(running);
            }
        }
    }

    fn asked(&self, query: &str) -> Prometheus {
        Prometheus::query(&*self.url, query).answering_within(LONG)
    }

    fn kill(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What it logs. All of it is read, because a program with a full pipe would hang.
fn lines_of(program: &mut Child) -> UnboundedReceiver<String> {
    let (tell, told) = unbounded_channel();
    let log = BufReader::new(program.stderr.take().unwrap());
    std::thread::spawn(move || log.lines().map_while(Result::ok).for_each(|line| drop(tell.send(line))));
    told
}

#[tokio::test]
async fn prometheus_itself_is_understood() {
    let page = "orders{shop=\"north\"} 7\norders{shop=\"south\"} 0.5\nbroken NaN\n";
    let page = Server::saying("200 OK", page).await;
    let Some(mut prometheus) = Running::scraping(&page).await else { return };
    // It scrapes within a second. Nothing but its answers tells when it has.
    let clock = SystemClock::default();
    soon(async {
        while look(&prometheus.asked("count(orders)")).await.unwrap() != 2.0.into() {
            clock.sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    for (query, value) in [
        ("scalar(sum(orders))", 7.5),
        ("orders{shop=\"south\"}", 0.5),
        ("up{job=\"shop\"}", 1.0),
        ("sum(nothing) or vector(0)", 0.0),
        ("-1e300", -1e300),
    ] {
        assert_eq!(look(&prometheus.asked(query)).await.unwrap(), value.into(), "{query}");
    }
    for (query, said) in [
        ("nothing", "an empty vector"),
        ("orders", "a vector of 2 elements"),
        ("broken", "yields NaN"),
        ("0/0", "yields NaN"),
        ("1/0", "yields +Inf"),
        ("sum(orders) / -0", "yields -Inf"),
    ] {
        let why = silence(&prometheus.asked(query)).await;
        assert!(why.contains(said), "{query}: {why}");
    }
    for (query, said) in [
        ("sum(", "parse error"),
        ("sum(orders) / on(", "parse error"),
        ("orders[1m]", "yields=\"matrix\""),
        ("\"text\"", "yields=\"string\""),
    ] {
        let error = look(&prometheus.asked(query)).await.expect_err(query).to_string();
        assert!(error.contains(said), "{query}: {error}");
    }
    prometheus.kill();
    let error = look(&prometheus.asked("1")).await.unwrap_err().to_string();
    assert!(error.contains("Prometheus did not answer") && error.contains("no connection to"), "{error}");
}
