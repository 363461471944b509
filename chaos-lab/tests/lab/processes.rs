use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use chaos_core::{
    async_trait,
    clock::{Clock, SystemClock},
    jiff::Timestamp,
};
use chaos_lab::{
    experiment::{ProcessProvider, Provider},
    runner::{Runner, Trouble, TroubleKind},
    substitution::Names,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    net::unix::pipe,
    sync::Semaphore,
};

use crate::soon;

/// A clock whose sleeps of more than a second end when a test says so.
#[derive(Debug)]
struct Limits(Semaphore);

impl Limits {
    fn new() -> Arc<Self> {
        Arc::new(Self(Semaphore::new(0)))
    }

    fn pass(&self) {
        self.0.add_permits(1);
    }
}

#[async_trait]
impl Clock for Limits {
    fn now(&self) -> Timestamp {
        SystemClock::default().now()
    }

    fn monotonic(&self) -> Duration {
        SystemClock::default().monotonic()
    }

    async fn sleep(&self, duration: Duration) {
        if duration > Duration::from_secs(1) {
            self.0.acquire().await.unwrap().forget();
        } else {
            SystemClock::default().sleep(duration).await;
        }
    }
}

/// A named pipe that processes hold open: its end is theirs.
pub(crate) struct Fifo {
    _directory: TempDir,
    pub(crate) path: PathBuf,
}

impl Fifo {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        Self { _directory: directory, path }
    }

    pub(crate) fn open(&self) -> BufReader<pipe::Receiver> {
        BufReader::new(pipe::OpenOptions::new().open_receiver(&self.path).unwrap())
    }
}

/// A script that ignores what it can and has a grandchild, both of which hold the pipe. It says when they run.
fn stubborn(fifo: &Path, last: &str) -> ProcessProvider {
    let script =
        format!("trap '' HUP INT TERM; exec 3>'{}'; sleep 600 & echo begun >&3; {last}", fifo.display());
    ProcessProvider::new("sh", json!(["-c", script]))
}

fn script(text: &str) -> Provider {
    Provider::Process(ProcessProvider::new("sh", json!(["-c", text])))
}

async fn run(provider: &Provider) -> Result<Value, Trouble> {
    let runner = Runner::start().unwrap();
    soon(runner.carry_out(provider, &Names::default().with("word", "a b"))).await
}

/// Reads the line that `stubborn` says.
pub(crate) async fn begun(pipe: &mut BufReader<pipe::Receiver>) {
    let mut line = String::new();
    // Until the script has opened the pipe, its end is read.
    while line.is_empty() {
        tokio::task::yield_now().await;
        pipe.read_line(&mut line).await.unwrap();
    }
    assert_eq!(line, "begun\n");
}

/// Waits until no process holds the pipe.
pub(crate) async fn gone(mut pipe: BufReader<pipe::Receiver>) {
    let mut rest = String::new();
    soon(pipe.read_to_string(&mut rest)).await.unwrap();
    assert_eq!(rest, "");
}

#[tokio::test]
async fn a_process_yields_its_status_and_what_it_printed() {
    for (text, expected) in [
        ("exit 7", json!({ "status": 7, "stdout": "", "stderr": "" })),
        ("kill -9 $$$$", json!({ "status": -9, "stdout": "", "stderr": "" })),
        ("echo out; echo err >&2", json!({ "status": 0, "stdout": "out\n", "stderr": "err\n" })),
        ("printf 'a\\377b'", json!({ "status": 0, "stdout": "a\u{fffd}b", "stderr": "" })),
        ("cat", json!({ "status": 0, "stdout": "", "stderr": "" })),
    ] {
        assert_eq!(run(&script(text)).await.unwrap(), expected, "{text}");
    }
    let words =
        Provider::Process(ProcessProvider::new("printf", json!(["%s|", "$word", "*", "", null, 1.0])));
    assert_eq!(run(&words).await.unwrap()["stdout"], "a b|*|1.0|");
    let line = Provider::Process(ProcessProvider::new("printf", "'%s|' $word | tr a-z A-Z"));
    assert_eq!(run(&line).await.unwrap()["stdout"], "A|B|");
}

#[tokio::test]
async fn a_process_inherits_environment_and_directory_and_leads_its_group() {
    let output = run(&script("pwd; echo $CARGO_PKG_NAME; ps -o pgid= -p $$$$; echo $$$$")).await.unwrap();
    let lines: Vec<&str> = output["stdout"].as_str().unwrap().lines().map(str::trim).collect();
    assert_eq!(lines[..2], [std::env::current_dir().unwrap().to_str().unwrap(), "chaos-lab"]);
    assert_eq!(lines[2], lines[3]);
}

#[tokio::test]
async fn what_cannot_be_started_says_why_without_a_secret() {
    let names = Names::default().with_secret("a", "key", "hunter2");
    let runner = Runner::start().unwrap();
    for (provider, kind) in [
        (ProcessProvider::new("no-such-hunter2", Value::Null), TroubleKind::NotStarted),
        (ProcessProvider::new("sh", json!(["hunter2\0"])), TroubleKind::NotStarted),
        (ProcessProvider::new("sh", json!(["hunter2".repeat(1_000_000)])), TroubleKind::NotStarted),
        (ProcessProvider::new("sh", json!(123_456)), TroubleKind::Refused),
    ] {
        let trouble = runner.carry_out(&Provider::Process(provider), &names).await.unwrap_err();
        assert_eq!(trouble.kind(), kind, "{trouble}");
        assert!(!format!("{trouble} {trouble:?}").contains("hunter2"), "{trouble}");
    }
}

#[tokio::test]
async fn of_a_long_output_the_first_mebibyte_is_kept() {
    let exactly = "head -c 1048576 /dev/zero | tr '\\0' x";
    let output = run(&script(exactly)).await.unwrap();
    assert_eq!(output, json!({ "status": 0, "stdout": "x".repeat(1 << 20), "stderr": "" }));
    for more in ["echo y", "head -c 50000000 /dev/zero"] {
        let output = run(&script(&format!("{{ {exactly}; {more}; }} >&2"))).await.unwrap();
        let kept = "x".repeat(1 << 20);
        assert_eq!(output, json!({ "status": 0, "stdout": "", "stderr": kept, "truncated": true }));
    }
}

#[tokio::test]
async fn what_a_process_leaves_behind_goes_on_and_is_not_waited_for() {
    let fifo = Fifo::new();
    let mut pipe = fifo.open();
    // It still prints after the end of its parent, and would end if nobody read that.
    let text = format!(
        "echo first; {{ exec 3<>'{0}.go'; read -r go <&3; for i in 1 2 3; do echo late; done; echo alive >'{0}'; }} &",
        fifo.path.display()
    );
    let go = PathBuf::from(format!("{}.go", fifo.path.display()));
    assert!(std::process::Command::new("mkfifo").arg(&go).status().unwrap().success());
    let runner = Runner::start().unwrap();
    let output = soon(runner.carry_out(&script(&text), &Names::default())).await.unwrap();
    assert_eq!(output, json!({ "status": 0, "stdout": "first\n", "stderr": "" }));
    soon(runner.end_all()).await;
    tokio::task::spawn_blocking(move || std::fs::write(go, "go\n")).await.unwrap().unwrap();
    let mut line = String::new();
    soon(async {
        while line.is_empty() {
            tokio::task::yield_now().await;
            pipe.read_line(&mut line).await.unwrap();
        }
    })
    .await;
    assert_eq!(line, "alive\n");
}

#[tokio::test]
async fn at_a_time_out_the_whole_group_is_gone() {
    let (fifo, limits) = (Fifo::new(), Limits::new());
    let mut pipe = fifo.open();
    let mut provider = stubborn(&fifo.path, "wait");
    provider.timeout = Some(Duration::from_secs(8));
    let provider = Provider::Process(provider);
    let runner = Runner::with_clock(Arc::clone(&limits) as Arc<dyn Clock>).unwrap();
    let names = Names::default();
    let (result, ()) = tokio::join!(soon(runner.carry_out(&provider, &names)), async {
        soon(begun(&mut pipe)).await;
        limits.pass();
    });
    let trouble = result.unwrap_err();
    assert_eq!(trouble.kind(), TroubleKind::TimedOut);
    assert_eq!(trouble.to_string(), "\"sh\" took longer than 8s and was ended");
    gone(pipe).await;
}

#[tokio::test]
async fn a_dropped_call_kills_the_whole_group() {
    let fifo = Fifo::new();
    let mut pipe = fifo.open();
    let provider = Provider::Process(stubborn(&fifo.path, "wait"));
    let runner = Runner::start().unwrap();
    let names = Names::default();
    tokio::select! {
        result = runner.carry_out(&provider, &names) => panic!("{result:?}"),
        () = soon(begun(&mut pipe)) => {}
    }
    gone(pipe).await;
    // Nothing is left to wait for.
    soon(runner.end_all()).await;
}

#[tokio::test]
async fn end_all_ends_each_group_also_of_a_call_that_nobody_polls() {
    let fifos = [Fifo::new(), Fifo::new()];
    let runner = Runner::start().unwrap();
    let names = Names::default();
    let mut pipes = Vec::new();
    let mut calls = Vec::new();
    for fifo in &fifos {
        let mut pipe = fifo.open();
        let provider = Provider::Process(stubborn(&fifo.path, "wait"));
        let (runner, names) = (runner.clone(), names.clone());
        let mut call = Box::pin(async move { runner.carry_out(&provider, &names).await });
        tokio::select! {
            result = &mut call => panic!("{result:?}"),
            () = soon(begun(&mut pipe)) => {}
        }
        pipes.push(pipe);
        calls.push(call);
    }
    soon(runner.end_all()).await;
    for pipe in pipes {
        gone(pipe).await;
    }
    for call in calls {
        assert_eq!(soon(call).await.unwrap_err().kind(), TroubleKind::Ended);
    }
    assert_eq!(soon(runner.carry_out(&script("exit 3"), &names)).await.unwrap()["status"], 3);
}
