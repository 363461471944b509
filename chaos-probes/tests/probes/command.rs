use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    sync::OnceLock,
    time::Duration,
};

use chaos_core::{
    async_trait,
    clock::{Clock, SystemClock},
    jiff::Timestamp,
    steady_state::{Probe, Reading},
};
use chaos_probes::Command;
use tokio::sync::{
    Mutex,
    mpsc::{UnboundedReceiver, unbounded_channel},
};

use crate::{look, silence, soon};

fn script(text: &str) -> Command {
    Command::new(["sh", "-c", text])
}

/// A named pipe. Its reader sees the end as soon as no process holds it open for writing any more.
struct Fifo(PathBuf);

impl Fifo {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("chaos-probes-{}-{name}", std::process::id()));
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        Self(path)
    }

    /// A script with a grandchild. Both hold the pipe, and the grandchild the output as well.
    fn script(&self, last: &str) -> String {
        format!("exec 3>'{}'; sleep 600 & echo $$ >&3; {last}", self.0.display())
    }

    /// Sends the id of the group when the script has started, and again when all of its processes have ended.
    fn watch(&self) -> UnboundedReceiver<u32> {
        let (tell, told) = unbounded_channel();
        let path = self.0.clone();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(std::fs::File::open(path).unwrap());
            let mut group = String::new();
            lines.read_line(&mut group).unwrap();
            let group = group.trim().parse().unwrap();
            let _ = tell.send(group);
            assert_eq!(lines.read_line(&mut String::new()).unwrap(), 0);
            let _ = tell.send(group);
        });
        told
    }
}

impl Drop for Fifo {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn the_exit_status_is_read_and_no_shell_is_involved() {
    for status in [0, 1, 7] {
        assert_eq!(look(&script(&format!("exit {status}"))).await.unwrap(), Reading::from(status));
    }
    let probe = Command::new(["printf", "%s|", "$HOME", "a b", "*", ";"]).stdout();
    assert_eq!(look(&probe).await.unwrap(), "$HOME|a b|*|;|".into());
    assert_eq!(silence(&script("kill -9 $$")).await, "it was ended by signal 9");
}

#[tokio::test]
async fn output_is_a_text_or_json() {
    assert_eq!(look(&script("printf 'a\\377b\\n\\n'").stdout()).await.unwrap(), "a\u{fffd}b".into());
    assert_eq!(look(&script("echo '{\"lag\": [4, 2]}'").json("/lag/1")).await.unwrap(), 2.into());
    assert!(silence(&script("echo ready; exit 3").stdout()).await.contains("exit status is 3"));
    assert!(silence(&script("echo no").json("")).await.contains("not JSON"));
    let deep = "head -c 10000 /dev/zero | tr '\\0' '['; head -c 10000 /dev/zero | tr '\\0' ']'";
    assert!(silence(&script(deep).json("")).await.contains("recursion limit"));
}

#[tokio::test]
async fn output_is_read_up_to_a_bound() {
    assert_eq!(silence(&Command::new(["yes"]).stdout()).await, "it printed more than 1 MiB");
    let one_more = script("head -c 1048577 /dev/zero | tr '\\0' x").stdout();
    assert_eq!(silence(&one_more).await, "it printed more than 1 MiB");
    let most = look(&script("head -c 1048576 /dev/zero | tr '\\0' x").stdout()).await.unwrap();
    assert_eq!(most, "x".repeat(1024 * 1024).into());
    // Nobody reads this one.
    assert_eq!(look(&script("head -c 50000000 /dev/zero")).await.unwrap(), 0.into());
}

#[tokio::test]
async fn the_whole_group_ends_with_the_look() {
    for (name, last) in [("status", "exit 0"), ("stdout", "echo done; exit 0")] {
        let fifo = Fifo::new(name);
        let told = fifo.watch();
        let probe = script(&fifo.script(last));
        let reading = match name {
            "status" => soon(look(&probe)).await,
            // The grandchild holds the output open.
            _ => soon(look(&probe.stdout())).await,
        };
        assert_eq!(reading.unwrap(), if name == "status" { 0.into() } else { "done".into() });
        all_gone(told).await;
    }
}

#[tokio::test]
async fn the_whole_group_ends_with_a_look_that_is_dropped() {
    for (name, before) in [("dropped", ""), ("stubborn", "trap '' HUP INT TERM;")] {
        let fifo = Fifo::new(name);
        let mut told = fifo.watch();
        let probe = script(&format!("{before} {}", fifo.script("wait"))).stdout();
        let clock = SystemClock::default();
        let group = tokio::select! {
            reading = probe.look(&clock) => panic!("{reading:?}"),
            started = told.recv() => started.unwrap(),
        };
        assert_eq!(soon(told.recv()).await, Some(group));
        is_gone(group).await;
    }
}

#[tokio::test]
async fn a_command_that_is_too_slow_is_no_answer_and_gone() {
    for (name, before) in [("slow", ""), ("slow-and-stubborn", "trap '' HUP INT TERM;")] {
        let fifo = Fifo::new(name);
        let clock = OnceStarted { told: fifo.watch().into(), group: OnceLock::new() };
        let probe =
            script(&format!("{before} {}", fifo.script("wait"))).answering_within(Duration::from_secs(2));
        let reading = soon(probe.look(&clock)).await.unwrap();
        assert_eq!(reading, Reading::no_answer("silent for 2s"));
        let group = *clock.group.get().unwrap();
        assert_eq!(soon(clock.told.into_inner().recv()).await, Some(group));
        is_gone(group).await;
    }
}

#[tokio::test]
async fn a_command_that_prints_too_much_is_gone_before_it_has_printed_all() {
    let fifo = Fifo::new("much");
    let told = fifo.watch();
    // A line after the first would be told instead of the end.
    let probe = script(&fifo.script("head -c 52428800 /dev/zero && echo all >&3")).stdout();
    assert_eq!(soon(silence(&probe)).await, "it printed more than 1 MiB");
    all_gone(told).await;
}

/// Waits until all processes of a script have ended and are gone.
async fn all_gone(mut told: UnboundedReceiver<u32>) {
    let group = soon(told.recv()).await.unwrap();
    assert_eq!(soon(told.recv()).await, Some(group));
    is_gone(group).await;
}

/// Waits until the leader of a group, a child of this process, is no longer in `/proc`. The others of the group have
/// ended by then as well, but their new parent may not have waited for them yet.
async fn is_gone(group: u32) {
    let is_left = || {
        let processes = std::fs::read_dir("/proc").unwrap().map(|process| process.unwrap().path());
        let stats = processes.filter_map(|process| std::fs::read_to_string(process.join("stat")).ok());
        stats
            .map(|stat| stat_of(&stat))
            .any(|(process, state, of)| of == Some(group) && (process == group || state != "Z"))
    };
    let clock = SystemClock::default();
    soon(async {
        while cfg!(target_os = "linux") && is_left() {
            clock.sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

/// The id, the state and the group of a process, by proc(5). Its name may hold blanks and brackets. One that is being
/// removed has -1 in place of a group.
fn stat_of(stat: &str) -> (u32, String, Option<u32>) {
    let (id, rest) = stat.split_once(" (").unwrap();
    let mut rest = rest.rsplit_once(") ").unwrap().1.split(' ');
    let state = rest.next().unwrap().to_owned();
    (id.parse().unwrap(), state, rest.nth(1).unwrap().parse().ok())
}

/// A clock whose time passes once the script has started, however long that takes.
#[derive(Debug)]
struct OnceStarted {
    told: Mutex<UnboundedReceiver<u32>>,
    group: OnceLock<u32>,
}

#[async_trait]
impl Clock for OnceStarted {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _duration: Duration) {
        self.group.set(self.told.lock().await.recv().await.unwrap()).unwrap();
    }
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_a_doubt() {
    let error = look(&Command::new(["/nowhere/program"])).await.unwrap_err();
    assert!(error.to_string().contains("/nowhere/program"), "{error}");
}

#[test]
fn what_can_never_be_run_is_refused() {
    let none: [&str; 0] = [];
    for probe in [Command::new(none), Command::new([""]), Command::new(["a\0b"])] {
        assert!(probe.check().unwrap_err().to_string().contains("invalid command"));
    }
    assert!(Command::new(["true"]).json("x").check().is_err());
    assert!(Command::new(["true"]).answering_within(Duration::ZERO).check().is_err());
}
