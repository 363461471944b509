//! The script alone, under each shell that a machine may have as `/bin/sh`.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    process::{Child, ChildStdin, Command, Stdio},
};

use chaos_local::ProcessIdentity;
use rustix::process::Signal;

use crate::support::{Started, signal, state, until};

const SCRIPT: &str = include_str!("../../scripts/janitor.sh");
const SHELLS: [&[&str]; 2] = [&["dash"], &["busybox", "sh"]];

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

    async fn stop(&self) {
        signal(self.identity, Signal::STOP);
        until("it is stopped", || self.state() == 'T').await;
    }

    fn state(&self) -> char {
        state(self.identity.pid()).unwrap()
    }

    fn end(self) {
        self.child.end();
    }
}

struct Janitor {
    child: Started,
    input: Option<ChildStdin>,
    first_line: String,
}

impl Janitor {
    fn watch(shell: &[&str], victim: ProcessIdentity, hundredths: u64) -> Self {
        let mut child = Command::new(shell[0])
            .args(&shell[1..])
            .args(["-c", SCRIPT, "chaos-janitor", "00000000000000ff", "process:$(touch pwned)/0"])
            .env("pid", victim.pid().to_string())
            .env("start_time", victim.start_time().to_string())
            .env("deadline", (uptime() + hundredths).to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("dash and busybox are needed for this test: apt-get install dash busybox");
        let mut first_line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first_line).unwrap();
        Self { input: child.stdin.take(), child: Started(child), first_line }
    }

    fn ready(self) -> Self {
        assert_eq!(self.first_line, "ready\n");
        self
    }

    fn tell(&mut self, word: &str) {
        writeln!(self.input.take().unwrap(), "{word}").unwrap();
    }

    /// Its exit status. It leaves at once.
    async fn leaves(mut self) -> i32 {
        drop(self.input.take());
        let mut status = None;
        until("the janitor has left", || {
            status = self.child.0.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap().code().unwrap()
    }
}

fn has_child(parent: u32) -> bool {
    let parent = parent.to_string();
    fs::read_dir("/proc").unwrap().any(|entry| {
        let stat = fs::read_to_string(entry.unwrap().path().join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, fields)| fields.split(' ').nth(1) == Some(&parent))
    })
}

fn uptime() -> u64 {
    let text = fs::read_to_string("/proc/uptime").unwrap();
    text.split(' ').next().unwrap().replace('.', "").parse().unwrap()
}

#[tokio::test]
async fn it_continues_the_process_at_the_deadline_and_not_before() {
    for shell in SHELLS {
        for word in [Some("stopped"), None] {
            let victim = Victim::new();
            let began = uptime();
            let mut janitor = Janitor::watch(shell, victim.identity, 120).ready();
            victim.stop().await;
            match word {
                Some(word) => janitor.tell(word),
                None => drop(janitor.input.take()),
            }
            until("it runs again", || victim.state() != 'T').await;
            let lasted = uptime() - began;
            assert!((120..320).contains(&lasted), "{shell:?}: {lasted}");
            assert_eq!(janitor.leaves().await, 0);
            victim.end();
        }
    }
}

#[tokio::test]
async fn it_leaves_when_somebody_else_continues_the_process_or_it_ends() {
    for shell in SHELLS {
        let victim = Victim::new();
        let mut janitor = Janitor::watch(shell, victim.identity, 60_000).ready();
        victim.stop().await;
        janitor.tell("stopped");
        signal(victim.identity, Signal::CONT);
        assert_eq!(janitor.leaves().await, 0);

        let janitor = Janitor::watch(shell, victim.identity, 60_000).ready();
        victim.end();
        assert_eq!(janitor.leaves().await, 0);
    }
}

#[tokio::test]
async fn it_leaves_a_process_alone_that_was_not_stopped_after_all() {
    for shell in SHELLS {
        let victim = Victim::new();
        let mut janitor = Janitor::watch(shell, victim.identity, 120).ready();
        // By somebody else.
        victim.stop().await;
        janitor.tell("leave");
        assert_eq!(janitor.leaves().await, 0);
        assert_eq!(victim.state(), 'T');
        victim.end();
    }
}

/// Whoever stops the process is killed before the signal has done its work.
#[tokio::test]
async fn it_does_not_mistake_a_stop_on_its_way_for_one_that_is_over() {
    for shell in SHELLS {
        let victim = Victim::new();
        let mut janitor = Janitor::watch(shell, victim.identity, 120).ready();
        drop(janitor.input.take());
        // It pauses after it has looked.
        until("it has looked", || has_child(janitor.child.0.id())).await;
        victim.stop().await;
        until("it runs again", || victim.state() != 'T').await;
        assert_eq!(janitor.leaves().await, 0);
        victim.end();
    }
}

#[tokio::test]
async fn it_is_not_ready_for_another_process_or_too_late() {
    for shell in SHELLS {
        let victim = Victim::new();
        let impostor = format!("{}.{}", victim.identity.pid(), victim.identity.start_time() + 1);
        let janitor = Janitor::watch(shell, impostor.parse().unwrap(), 100);
        assert_eq!(janitor.first_line, "");
        assert_eq!(janitor.leaves().await, 1);
        let janitor = Janitor::watch(shell, victim.identity, 0);
        assert_eq!(janitor.first_line, "");
        assert_eq!(janitor.leaves().await, 1);
        victim.end();
    }
}

#[tokio::test]
async fn a_hostile_process_name_does_not_mislead_it() {
    for shell in SHELLS {
        let directory = tempfile::tempdir().unwrap();
        // A process is called as its program's file.
        let program = directory.path().join(") T 1 2\n) (");
        std::os::unix::fs::symlink("/bin/sleep", &program).unwrap();
        let victim = Victim::of(Command::new(&program).arg0("sleep").arg("600").spawn().unwrap());
        let stat = fs::read_to_string(format!("/proc/{}/stat", victim.identity.pid())).unwrap();
        assert!(stat.contains("() T 1 2\n) ()"), "{stat}");
        let mut janitor = Janitor::watch(shell, victim.identity, 120).ready();
        victim.stop().await;
        janitor.tell("stopped");
        until("it runs again", || victim.state() != 'T').await;
        assert_eq!(janitor.leaves().await, 0);
        victim.end();
    }
}

#[tokio::test]
async fn the_signals_of_a_terminal_do_not_end_it() {
    for shell in SHELLS {
        let victim = Victim::new();
        let mut janitor = Janitor::watch(shell, victim.identity, 120).ready();
        victim.stop().await;
        let own = ProcessIdentity::of_pid(janitor.child.0.id()).unwrap();
        for name in [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM] {
            signal(own, name);
        }
        janitor.tell("stopped");
        until("it runs again", || victim.state() != 'T').await;
        assert_eq!(janitor.leaves().await, 0);
        victim.end();
    }
}
