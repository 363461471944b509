//! A folder with an experiment whose activities say when they begin and end, and wait where a test asks for it.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    os::fd::AsFd,
    path::{Path, PathBuf},
    time::Duration,
};

use chaos_core::clock::{Clock, SystemClock};
use rustix::fs::{FileType, Mode, OFlags, mknodat, open};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::unix::pipe::Receiver,
    process::Command,
};

use crate::support::{CHAOS, Ended, command, end, text, within_limit};

/// Inherited by the activities of one test alone.
const MARK: &str = "CHAOS_TEST_OF_EXPERIMENTS";

/// What each activity runs, with its name.
///
/// `two` runs until `five` has begun. `three` has a grandchild. Where a file asks for it, the activity tells the test
/// and then stays, deaf to whatever can be ignored.
const SCRIPT: &str = r#"
cd "$(dirname "$0")" || exit 1
name=$1
echo "begin $name${2+ $2}" >>log
stay() {
  [ -e "$1.$name" ] || return 0
  [ "$(cat "$1.$name")" = "$(grep -c "^begin $name" log)" ] || return 0
  trap '' HUP INT QUIT TERM
  echo "$1 $name" >said
  read -r go <go
}
stay begin
case $name in
  two) read -r go <two.go ;;
  three)
    sleep 600 &
    stay within
    kill $!
    ;;
  four) echo "four's own" ;;
  five) echo go >two.go ;;
esac
stay end
echo "end $name" >>log
"#;

/// A folder of its own, with everything that an experiment writes.
pub(super) struct Place {
    directory: TempDir,
    mark: String,
    said: BufReader<Receiver>,
    go: File,
}

impl Place {
    pub(super) fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("chaos-experiment-").tempdir().unwrap();
        let path = directory.path();
        for name in ["said", "go", "two.go"] {
            mknodat(rustix::fs::CWD, path.join(name), FileType::Fifo, Mode::RWXU, 0).unwrap();
        }
        // Also for writing, so that it never ends.
        let said = open(path.join("said"), OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty());
        let said = Receiver::from_owned_fd_unchecked(said.unwrap().as_fd().try_clone_to_owned().unwrap());
        fs::write(path.join("act.sh"), SCRIPT).unwrap();
        fs::write(path.join("log"), "").unwrap();
        let mark = path.file_name().unwrap().to_str().unwrap().to_owned();
        let go = OpenOptions::new().read(true).write(true).open(path.join("go")).unwrap();
        Self { mark, go, said: BufReader::new(said.unwrap()), directory }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn write(&self, name: &str, data: &Value) {
        fs::write(self.path(name), serde_json::to_vec_pretty(data).unwrap()).unwrap();
    }

    /// An activity that runs the script.
    pub(super) fn activity(&self, kind: &str, name: &str, words: &[&str]) -> Value {
        let script = self.path("act.sh");
        let words: Vec<&str> = [text(&script), name].into_iter().chain(words.iter().copied()).collect();
        json!({
            "type": kind, "name": name,
            "provider": { "type": "process", "path": "sh", "arguments": words },
        })
    }

    pub(super) fn run(&self, more: &[&str]) -> Command {
        self.chaos(&[&["run", "experiment.json", "--journal", "experiments.journal"], more].concat())
    }

    /// `chaos` in this folder.
    pub(super) fn chaos(&self, arguments: &[&str]) -> Command {
        let mut chaos = command(CHAOS, arguments);
        chaos.current_dir(self.directory.path()).env(MARK, &self.mark);
        chaos
    }

    pub(super) async fn recover(&self) -> Ended {
        self.ended(&["recover", "--journal", "experiments.journal"]).await
    }

    pub(super) async fn ended(&self, arguments: &[&str]) -> Ended {
        end(self.chaos(arguments).spawn().unwrap()).await
    }

    /// Asks an activity to stay at a point, the `count`-th time that it begins.
    pub(super) fn stay(&self, point: &str, name: &str, count: u32) {
        fs::write(self.path(&format!("{point}.{name}")), count.to_string()).unwrap();
    }

    /// Lets the one that stays go on.
    pub(super) fn let_go(&self) {
        (&self.go).write_all(b"go\n").unwrap();
    }

    /// Asks nobody to stay any more.
    pub(super) fn go_on(&self) {
        for entry in fs::read_dir(self.directory.path()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if ["begin.", "within.", "end."].iter().any(|point| name.starts_with(point)) {
                fs::remove_file(path).unwrap();
            }
        }
    }

    /// Returns when an activity says that it stays, and where.
    pub(super) async fn said(&mut self) -> String {
        let mut line = String::new();
        within_limit(self.said.read_line(&mut line)).await.unwrap();
        line.trim_end().to_owned()
    }

    /// The activities that have begun, each with its second word if it got one, in order.
    pub(super) fn begun(&self) -> Vec<String> {
        let log = fs::read_to_string(self.path("log")).unwrap();
        log.lines().filter_map(|line| line.strip_prefix("begin ")).map(ToOwned::to_owned).collect()
    }

    /// The journal of Chaos Toolkit, which is whole at every moment from its first version on.
    pub(super) fn toolkit_journal(&self) -> Option<Value> {
        let read = fs::read(self.path("journal.json")).ok()?;
        Some(
            serde_json::from_slice(&read).unwrap_or_else(|error| {
                panic!("a torn journal: {error}: {}", String::from_utf8_lossy(&read))
            }),
        )
    }

    /// Reads the journal of Chaos Toolkit until it is as it should be.
    pub(super) async fn journal_has(&self, what: impl Fn(&Value) -> bool) {
        let clock = SystemClock::default();
        within_limit(async {
            while !self.toolkit_journal().is_some_and(|journal| what(&journal)) {
                clock.sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }

    /// The faults in the journal.
    pub(super) async fn history(&self) -> Vec<Value> {
        let history = self.ended(&["history", "--journal", "experiments.journal", "--json"]).await;
        history.with_code(0).json()["faults"].as_array().unwrap().clone()
    }

    /// How long it takes from now on until no process of an activity is left.
    pub(super) async fn emptied(&self) -> Duration {
        let clock = SystemClock::default();
        let since = clock.monotonic();
        within_limit(async {
            while !self.processes().is_empty() {
                clock.sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        clock.monotonic() - since
    }

    /// Whether a process of this activity runs.
    pub(super) fn runs(&self, name: &str) -> bool {
        let is_it = |pid: &String| {
            let words = fs::read(Path::new("/proc").join(pid).join("cmdline")).unwrap_or_default();
            words.ends_with(format!("act.sh\0{name}\0").as_bytes())
        };
        self.processes().iter().any(is_it)
    }

    /// The processes that have inherited the mark.
    pub(super) fn processes(&self) -> Vec<String> {
        let mark = format!("{MARK}={}", self.mark);
        let has_it = |pid: &String| {
            let environment = fs::read(Path::new("/proc").join(pid).join("environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes())
        };
        let names = fs::read_dir("/proc").unwrap();
        let names = names.filter_map(|entry| entry.unwrap().file_name().into_string().ok());
        names.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())).filter(has_it).collect()
    }
}
