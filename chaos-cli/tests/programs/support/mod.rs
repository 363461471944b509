//! Real programs on a fleet of their own, for the tests of this package.

pub(crate) mod terminal;
pub(crate) mod traces;

use std::{
    ffi::OsStr,
    fs,
    io::Write,
    net::TcpListener,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Output, Stdio},
    time::Duration,
};

use chaos_core::{
    Journal, Provider,
    chance::{Entropy, SystemEntropy},
    clock::{Clock, SystemClock},
    fault::FaultRecord,
};
use chaos_journal::SqlJournal;
use chaos_local::Fleet;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines},
    process::{Child, ChildStderr, Command},
};

/// Nothing here takes this long unless it hangs.
const HANGS_AFTER: Duration = Duration::from_secs(60);
/// The number of attempts to start a fleet.
const MOST_STARTS: usize = 3;
/// The budget of a recovery by `recover`.
const RECOVERS_WITHIN: Duration = Duration::from_secs(60);

pub(crate) const CHAOS: &str = env!("CARGO_BIN_EXE_chaos");
/// The program that fleets run.
pub(crate) const SERVICE: &str = env!("CARGO_BIN_EXE_service");
pub(crate) const DRILL: &str = "drill";
pub(crate) const RECOVER: &str = "recover";
pub(crate) const HISTORY: &str = "history";
pub(crate) const FLEET: &str = "fleet";

/// The exit status and the output of a program.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// # Panics
    /// If the program ended otherwise.
    pub(crate) fn with_code(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{self:#?}");
        self
    }

    /// Whether it ended by itself, with everything recovered. On a busy machine, a short fault may be over before a
    /// look has seen it in effect. The report says so, and that is no success.
    pub(crate) fn has_recovered(&self) -> bool {
        matches!(self.status.code(), Some(0 | 5))
    }

    /// Whether it ended by itself, with everything recovered. On a busy machine, a fault may be over a little before
    /// its time, by the time that its preflight took. The report says so, and that is no success.
    pub(crate) fn was_undisturbed(&self) -> bool {
        self.status.code() == Some(0)
            || (self.status.code() == Some(5) && self.stdout.contains("\"cut_short\": \"ended-early\""))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    pub(crate) fn was_killed(&self) -> bool {
        self.status.signal() == Some(Signal::KILL.as_raw())
    }
}

pub(crate) fn command(program: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let is_own = [DRILL, RECOVER, HISTORY, FLEET].contains(&program);
    let mut command = Command::new(if is_own { CHAOS } else { program });
    command
        .args(is_own.then_some(program))
        .args(arguments)
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs a program to its end.
pub(crate) async fn run(program: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Ended {
    end(command(program, arguments).spawn().unwrap()).await
}

pub(crate) async fn end(child: Child) -> Ended {
    ended(within_limit(child.wait_with_output()).await.unwrap())
}

/// Runs `recover` to its end. It may take a minute longer while something is not back.
pub(crate) async fn recover(journal: &Path) -> Ended {
    let child = command(RECOVER, ["--journal", text(journal), "--json"]).spawn().unwrap();
    let limit = RECOVERS_WITHIN + HANGS_AFTER;
    ended(within(limit, child.wait_with_output()).await.unwrap())
}

fn ended(output: Output) -> Ended {
    Ended {
        status: output.status,
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

pub(crate) async fn within_limit<T>(work: impl Future<Output = T>) -> T {
    within(HANGS_AFTER, work).await
}

async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> T {
    let clock = SystemClock::default();
    tokio::select! {
        biased;
        done = work => done,
        () = clock.sleep(limit) => panic!("it hangs"),
    }
}

/// Whether a test needs root and this is not root. Prints that, because a test that returns early is not noticed.
pub(crate) fn lacks_root(test: &str) -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        // Past the capture of a test's output, which is shown only if the test fails.
        let mut stderr = std::io::stderr();
        writeln!(stderr, "\nskipped: {test}: needs root").unwrap();
    }
    !is_root
}

/// A program whose standard error is read line by line while it runs.
pub(crate) struct Watched {
    child: Child,
    stderr: Lines<BufReader<ChildStderr>>,
    seen: String,
}

impl Watched {
    pub(crate) fn start(program: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        Self::of(command(program, arguments))
    }

    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, stderr, seen: String::new() }
    }

    /// Returns when a line with `text` was written.
    pub(crate) async fn says(&mut self, text: &str) {
        let reading = async {
            while let Some(line) = self.stderr.next_line().await.unwrap() {
                self.seen.push_str(&line);
                self.seen.push('\n');
                if line.contains(text) {
                    return;
                }
            }
            panic!("it ended without saying {text:?}: {}", self.seen);
        };
        within_limit(reading).await;
    }

    pub(crate) fn signal(&self, signal: Signal) {
        send(self.child.id().unwrap(), signal);
    }

    pub(crate) async fn end(mut self) -> Ended {
        let reading = async {
            let mut stdout = String::new();
            let read_stdout = self.child.stdout.take().unwrap().read_to_string(&mut stdout).await;
            read_stdout.unwrap();
            while let Some(line) = self.stderr.next_line().await.unwrap() {
                self.seen.push_str(&line);
                self.seen.push('\n');
            }
            (self.child.wait().await.unwrap(), stdout)
        };
        let (status, stdout) = within_limit(reading).await;
        Ended { status, stdout, stderr: self.seen }
    }
}

/// Sends a signal to a process that the test has started and not waited for.
pub(crate) fn send(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal).unwrap();
}

/// The program `fleet`, up over a state directory that is removed with it.
pub(crate) struct FleetProgram {
    // Dropped first: the process is killed before its directory is removed.
    child: Child,
    directory: TempDir,
}

impl FleetProgram {
    pub(crate) async fn start(replicas: usize) -> Self {
        Self::start_with(&["--replicas", &replicas.to_string()]).await
    }

    pub(crate) async fn start_with(arguments: &[&str]) -> Self {
        for _ in 0..MOST_STARTS {
            if let Some(fleet) = Self::come_up(arguments).await {
                return fleet;
            }
        }
        panic!("the fleet did not come up");
    }

    /// `None` if it did not come up: another process may take a free port a moment later.
    async fn come_up(arguments: &[&str]) -> Option<Self> {
        let directory = tempfile::Builder::new().prefix("chaos-examples-").tempdir().unwrap();
        let state = directory.path().join("fleet");
        let arguments = [&["--state", text(&state)], arguments].concat();
        let mut child = command(FLEET, arguments).stderr(Stdio::inherit()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = Vec::new();
        let reading = async {
            while let Some(line) = stdout.next_line().await.unwrap() {
                if line.contains("cargo drill --attach") {
                    let journal = format!("journal of its drills: {}", text(&state.join("chaos.journal")));
                    assert!(seen.contains(&journal), "{seen:?}");
                    return true;
                }
                seen.push(line);
            }
            false
        };
        within_limit(reading).await.then_some(Self { child, directory })
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.directory.path().join("fleet")
    }

    /// A place for a file of the test.
    pub(crate) fn place(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The arguments of a drill on it that asks nothing.
    pub(crate) fn attached(&self, more: &[&str]) -> Vec<String> {
        let state = self.state();
        let own = ["--attach", text(&state), "--yes", "--json", "--steady", "20ms"];
        own.iter().chain(more).map(|&argument| argument.to_owned()).collect()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        send(self.child.id().unwrap(), signal);
    }

    /// Each replica's number, process id and state in `/proc`. `None` if there is no such process.
    pub(crate) fn replicas(&self) -> Vec<(u64, Option<u32>, Option<char>)> {
        let fleet: Value =
            serde_json::from_slice(&fs::read(self.state().join("fleet.json")).unwrap()).unwrap();
        let replicas = fleet["replicas"].as_array().unwrap().iter();
        replicas
            .map(|replica| {
                let pid = replica["process"]["pid"].as_u64().map(|pid| u32::try_from(pid).unwrap());
                (replica["index"].as_u64().unwrap(), pid, pid.and_then(process_state))
            })
            .collect()
    }

    /// The process id of each replica: the same as long as no replica was terminated or restarted.
    pub(crate) fn processes(&self) -> Vec<Option<u32>> {
        self.replicas().into_iter().map(|(_, pid, _)| pid).collect()
    }

    pub(crate) fn stopped(&self) -> Vec<u64> {
        self.replicas()
            .into_iter()
            .filter(|(_, _, state)| *state == Some('T'))
            .map(|(index, _, _)| index)
            .collect()
    }

    /// The addresses of the replicas.
    pub(crate) fn endpoints(&self) -> Vec<std::net::SocketAddr> {
        Fleet::attach(self.state()).unwrap().endpoints().unwrap()
    }

    /// The number of healthy replicas.
    pub(crate) async fn healthy(&self) -> usize {
        let fleet = Fleet::attach(self.state()).unwrap();
        fleet.group(fleet.id()).await.unwrap().healthy()
    }

    /// Ends it by SIGTERM, and checks that no replica is left.
    pub(crate) async fn stop(self) {
        self.ends_by(Signal::TERM).await;
    }

    /// Ends it by a signal, and checks that no replica is left.
    pub(crate) async fn ends_by(mut self, signal: Signal) {
        let replicas = self.replicas();
        self.signal(signal);
        let status = within_limit(self.child.wait()).await.unwrap();
        assert_eq!(status.code(), Some(0));
        for (index, pid, _) in replicas {
            assert_eq!(pid.and_then(process_state), None, "replica {index} is left");
        }
    }
}

/// The letter in `/proc/PID/stat`, after the name in brackets.
pub(crate) fn process_state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

pub(crate) async fn pending(journal: &Path) -> Vec<FaultRecord> {
    SqlJournal::open_existing(journal).await.unwrap().pending().await.unwrap().faults
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Sebastiano Vigna's splitmix64: enough to spread moments, and the same for one seed.
pub(crate) struct SplitMix {
    seed: u64,
    state: u64,
}

impl SplitMix {
    /// From `CHAOS_SEED` if it is set, otherwise drawn.
    pub(crate) fn drawn() -> Self {
        let seed = match std::env::var("CHAOS_SEED") {
            Ok(seed) => seed.parse().unwrap(),
            Err(_) => SystemEntropy::default().draw().unwrap(),
        };
        Self { seed, state: seed }
    }

    /// How to repeat it, for the message of a check that fails.
    pub(crate) fn origin(&self) -> String {
        format!("CHAOS_SEED={}", self.seed)
    }

    #[cfg(feature = "lab")]
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to 1.
    pub(crate) fn next_unit(&mut self) -> f64 {
        f64::from(u32::try_from(self.next() >> 32).unwrap()) / f64::from(u32::MAX)
    }
}

/// Five ports in a row that are free at the moment.
pub(crate) fn free_ports() -> u16 {
    let holding = |first: u16| -> Option<Vec<TcpListener>> {
        (0..5).map(|index| TcpListener::bind(("127.0.0.1", first.checked_add(index)?)).ok()).collect()
    };
    // Below the range that the kernel hands out, and not the same for two runs at once.
    let start = 10_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    (start..30_000).step_by(5).find(|&first| holding(first).is_some()).unwrap()
}
