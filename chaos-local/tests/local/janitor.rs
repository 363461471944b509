//! The script alone, under each shell that a machine may have as `/bin/sh`.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use chaos_core::clock::{Clock, SystemClock};
use chaos_local::ProcessIdentity;
use rustix::process::Signal;

use crate::support::{Started, children_of, signal, state, until};

const SCRIPT: &str = include_str!("../../src/client/janitor.sh");
const SHELLS: [&[&str]; 3] = [&["dash"], &["bash"], &["busybox", "sh"]];

struct Victim {
    child: Started,
    identity: ProcessIdentity,
}

impl Victim {
    fn new() -> Self {
        Self::of(Command::new("sleep").arg("600").spawn().unwrap())
    }

    fn of(child: Child) -> Self {
        let identity = ProcessIdentity::of_pid(child.id()).unwrap();
        Self { child: Started(child), identity }
    }

    fn state(&self) -> char {
        state(self.identity.pid()).unwrap()
    }

    fn end(self) {
        self.child.end();
    }
}

/// Its guard and what both have started end with it.
struct Janitor {
    child: Started,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    first_line: String,
}

impl Janitor {
    fn start(shell: &[&str], hundredths: u64) -> Self {
        Self::start_with(Command::new(shell[0]).args(&shell[1..]).args(["-c", SCRIPT]), hundredths)
    }

    fn start_with(command: &mut Command, hundredths: u64) -> Self {
        let mut child = command
            .args(["chaos-janitor", "00000000000000ff", "process:$(touch pwned)/0"])
            .env("deadline", (uptime() + hundredths).to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("dash, bash and busybox are needed for this test: apt-get install dash bash busybox");
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut first_line = String::new();
        output.read_line(&mut first_line).unwrap();
        Self { input: child.stdin.take(), child: Started(child), output, first_line }
    }

    fn ready(self) -> Self {
        assert_eq!(self.first_line, "ready\n");
        self
    }

    /// Returns what it answers.
    fn tell(&mut self, order: &str) -> String {
        writeln!(self.input.take().unwrap(), "{order}").unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        answer.trim_end().to_owned()
    }

    fn stops(&mut self, victims: &[&Victim]) {
        let names: Vec<String> = victims.iter().map(|victim| victim.identity.to_string()).collect();
        assert_eq!(self.tell(&format!("stop {}", names.join(" "))), "stopped");
        assert!(victims.iter().all(|victim| victim.state() == 'T'));
    }

    /// Its exit status. It leaves at once, and so does all that it has started.
    async fn leaves(mut self) -> i32 {
        drop(self.input.take());
        let mut status = None;
        until("the janitor has left", || {
            status = self.child.0.try_wait().unwrap();
            status.is_some()
        })
        .await;
        let group = self.child.0.id();
        until("what it started has left", || !lives_any_of_group(group)).await;
        status.unwrap().code().unwrap()
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        // Its number is its own until it is waited for.
        if let (Ok(None), Some(group)) =
            (self.child.0.try_wait(), rustix::process::Pid::from_raw(self.child.0.id().cast_signed()))
        {
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
    }
}

/// Whether a process of the group has not ended. It does not matter whether its parent has waited for the others.
fn lives_any_of_group(group: u32) -> bool {
    let group = group.to_string();
    fs::read_dir("/proc").unwrap().any(|entry| {
        let stat = fs::read_to_string(entry.unwrap().path().join("stat")).unwrap_or_default();
        let mut fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields).split(' ');
        !matches!(fields.next(), Some("Z" | "X" | "")) && fields.nth(1) == Some(&group)
    })
}

fn uptime() -> u64 {
    let text = fs::read_to_string("/proc/uptime").unwrap();
    text.split(' ').next().unwrap().replace('.', "").parse().unwrap()
}

async fn until_they_run(victims: &[&Victim]) {
    until("they run again", || victims.iter().all(|victim| victim.state() != 'T')).await;
}

#[tokio::test]
async fn it_continues_what_it_stopped_at_the_deadline_and_not_before() {
    for shell in SHELLS {
        let (victim, other) = (Victim::new(), Victim::new());
        let began = uptime();
        let mut janitor = Janitor::start(shell, 120).ready();
        janitor.stops(&[&victim, &other]);
        until_they_run(&[&victim, &other]).await;
        assert!(uptime() - began >= 119, "{shell:?}: {}", uptime() - began);
        assert_eq!(janitor.leaves().await, 0);
        victim.end();
        other.end();
    }
}

#[tokio::test]
async fn it_leaves_when_all_are_gone_or_nothing_was_ordered() {
    for shell in SHELLS {
        let (victim, other) = (Victim::new(), Victim::new());
        let mut janitor = Janitor::start(shell, 60_000).ready();
        janitor.stops(&[&victim, &other]);
        other.end();
        victim.end();
        assert_eq!(janitor.leaves().await, 0);

        let mut janitor = Janitor::start(shell, 60_000).ready();
        assert_eq!(janitor.tell("leave"), "");
        assert_eq!(janitor.leaves().await, 0);
        assert_eq!(Janitor::start(shell, 60_000).ready().leaves().await, 0);
    }
}

/// A stop ends as a whole.
#[tokio::test]
async fn it_continues_the_others_when_somebody_continues_one_or_ends_the_first() {
    for shell in SHELLS {
        let (victim, other) = (Victim::new(), Victim::new());
        let mut janitor = Janitor::start(shell, 60_000).ready();
        janitor.stops(&[&victim, &other]);
        signal(other.identity, Signal::CONT);
        until_they_run(&[&victim]).await;
        assert_eq!(janitor.leaves().await, 0);

        let mut janitor = Janitor::start(shell, 60_000).ready();
        janitor.stops(&[&victim, &other]);
        victim.end();
        until_they_run(&[&other]).await;
        assert_eq!(janitor.leaves().await, 0);
        other.end();
    }
}

#[tokio::test]
async fn it_signals_nobody_else_under_the_same_id() {
    for shell in SHELLS {
        let victim = Victim::new();
        let mut janitor = Janitor::start(shell, 60_000).ready();
        let impostor = format!("{}.{}", victim.identity.pid(), victim.identity.start_time() + 1);
        assert_eq!(janitor.tell(&format!("stop {impostor}")), "stopped");
        assert_ne!(victim.state(), 'T');
        assert_eq!(janitor.leaves().await, 0);
        victim.end();
    }
}

#[tokio::test]
async fn an_order_that_is_none_is_not_followed() {
    for shell in SHELLS {
        let victim = Victim::new();
        let pid = victim.identity.pid();
        for order in [
            format!("stop {pid}"),
            format!("stop {pid}.x"),
            format!("stop {}.1 a[$(touch pwned)].2", victim.identity),
            format!("stop {}.", pid),
            format!("stop .{pid}"),
            format!("stop -1.{pid}"),
            "stop ".to_owned(),
            format!("stopped {}", victim.identity),
        ] {
            let mut janitor = Janitor::start(shell, 60_000).ready();
            assert_eq!(janitor.tell(&order), "", "{order}");
            janitor.leaves().await;
            assert_ne!(victim.state(), 'T', "{order}");
        }
        victim.end();
    }
}

#[tokio::test]
async fn it_stops_nothing_past_the_deadline() {
    for shell in SHELLS {
        let janitor = Janitor::start(shell, 0);
        assert_eq!(janitor.first_line, "");
        assert_eq!(janitor.leaves().await, 1);

        let victim = Victim::new();
        let mut janitor = Janitor::start(shell, 30).ready();
        let late = uptime() + 40;
        until("the deadline has passed", || uptime() > late).await;
        assert_eq!(janitor.tell(&format!("stop {}", victim.identity)), "late");
        assert_ne!(victim.state(), 'T');
        assert_eq!(janitor.leaves().await, 0);
        victim.end();
    }
}

#[tokio::test]
async fn a_hostile_process_name_does_not_mislead_it() {
    for shell in SHELLS {
        let directory = tempfile::tempdir().unwrap();
        // A process is called as its program's file.
        let program = directory.path().join(") S 1 2\n) (");
        std::os::unix::fs::symlink("/bin/sleep", &program).unwrap();
        let victim = Victim::of(Command::new(&program).arg0("sleep").arg("600").spawn().unwrap());
        let stat = fs::read_to_string(format!("/proc/{}/stat", victim.identity.pid())).unwrap();
        assert!(stat.contains("() S 1 2\n) ()"), "{stat}");
        let mut janitor = Janitor::start(shell, 120).ready();
        janitor.stops(&[&victim]);
        until_they_run(&[&victim]).await;
        assert_eq!(janitor.leaves().await, 0);
        victim.end();
    }
}

#[tokio::test]
async fn the_signals_of_a_terminal_do_not_end_it() {
    for shell in SHELLS {
        let victim = Victim::new();
        let mut janitor = Janitor::start(shell, 120).ready();
        janitor.stops(&[&victim]);
        let group = rustix::process::Pid::from_raw(janitor.child.0.id().cast_signed()).unwrap();
        for name in [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM] {
            rustix::process::kill_process_group(group, name).unwrap();
        }
        assert_eq!(victim.state(), 'T');
        until_they_run(&[&victim]).await;
        assert_eq!(janitor.leaves().await, 0);
        victim.end();
    }
}

/// If either of the two processes is killed or frozen, the other one continues the target.
#[tokio::test]
async fn its_guard_ends_the_stop_where_it_cannot() {
    let mut struck = Vec::new();
    for shell in SHELLS {
        for (is_guard, name) in
            [(false, Signal::KILL), (false, Signal::STOP), (true, Signal::KILL), (true, Signal::STOP)]
        {
            let victim = Victim::new();
            let mut janitor = Janitor::start(shell, 200).ready();
            janitor.stops(&[&victim]);
            let mut pid = janitor.child.0.id();
            if is_guard {
                // It is the one that has a child for as long as it lasts.
                let has_child = |child: &u32| !children_of(*child).is_empty();
                until("its guard sleeps", || {
                    let guard = children_of(janitor.child.0.id()).into_iter().find(has_child);
                    pid = guard.unwrap_or(pid);
                    guard.is_some()
                })
                .await;
            }
            let own = ProcessIdentity::of_pid(pid).unwrap();
            signal(own, name);
            struck.push((victim, janitor, own, name));
        }
    }
    for (victim, janitor, own, name) in struck {
        until_they_run(&[&victim]).await;
        if name == Signal::STOP {
            signal(own, Signal::CONT);
            assert_eq!(janitor.leaves().await, 0);
        }
        victim.end();
    }
}

/// If it cannot see anything, it continues the stopped processes by their ids, at once.
#[tokio::test]
async fn a_janitor_that_cannot_look_ends_the_stop() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: it takes root to take /proc away");
        return;
    }
    for shell in SHELLS {
        for hidden in ["/proc", "/proc/uptime"] {
            let victim = Victim::new();
            // In a mount namespace of its own, from which /proc is taken while it watches.
            let directory = tempfile::tempdir().unwrap();
            let flag = directory.path().join("flag");
            let take = if hidden == "/proc" {
                "mount -t tmpfs none /proc"
            } else {
                "mount --bind /dev/null /proc/uptime"
            };
            let outer = format!("( until [ -e \"$FLAG\" ]; do sleep 0.01; done; {take} ) & exec \"$@\"");
            let mut command = Command::new("unshare");
            command
                .args(["--mount", "sh", "-c", &outer, "sh"])
                .args(shell)
                .args(["-c", SCRIPT])
                .env("FLAG", &flag);
            let mut janitor = Janitor::start_with(&mut command, 60_000).ready();
            janitor.stops(&[&victim]);
            fs::write(&flag, "").unwrap();
            until_they_run(&[&victim]).await;
            victim.end();
        }
    }
}

/// Forks fail: it has nothing to wait with.
#[tokio::test]
async fn a_janitor_that_cannot_start_anything_ends_the_stop_in_time() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: it takes root to become a user without other processes");
        return;
    }
    for shell in SHELLS {
        let mut child = Command::new("sleep");
        child.arg("600").uid(54_321);
        let victim = Victim::of(child.spawn().unwrap());
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).args(["-c", SCRIPT]).uid(54_321);
        let began = uptime();
        let mut janitor = Janitor::start_with(&mut command, 300).ready();
        janitor.stops(&[&victim]);
        for pid in children_of(janitor.child.0.id()).into_iter().chain([janitor.child.0.id()]) {
            let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
            let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
            let _ = rustix::process::prlimit(Some(pid), rustix::process::Resource::Nproc, none);
        }
        until_they_run(&[&victim]).await;
        assert!(uptime() - began < 300 + 1000, "{shell:?}");
        victim.end();
        SystemClock::default().sleep(Duration::ZERO).await;
    }
}
