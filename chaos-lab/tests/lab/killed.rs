//! A program that is killed with `kill -9`: nothing of its activities is left.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt,
    process::{Command, Stdio},
    time::Duration,
};

use chaos_core::clock::{Clock, SystemClock};
use chaos_lab::{
    experiment::{ProcessProvider, Provider},
    runner::Runner,
    substitution::Names,
};
use serde_json::json;

use crate::soon;

/// Set in the program that is killed, and inherited by its activities.
const MARK: &str = "CHAOS_LAB_IS_KILLED";
const PROGRAM: &str = "killed::the_program_that_is_killed";

/// If a mark is set, it starts processes, one after the other, each with a grandchild, and says so.
#[tokio::test]
async fn the_program_that_is_killed() {
    if std::env::var_os(MARK).is_none() {
        return;
    }
    let runner = Runner::start().unwrap();
    let names = Names::default();
    let script = "trap '' HUP INT TERM; sleep 600 & echo begun >&2; sleep 600; wait";
    let provider = Provider::Process(ProcessProvider::new("sh", json!(["-c", script])));
    let begin = || async {
        let call = runner.carry_out(&provider, &names);
        println!("begun");
        call.await
    };
    // Each of them starts at its first poll.
    let calls = (0..20).map(|_| begin());
    let mut calls: Vec<_> = calls.map(Box::pin).collect();
    for call in &mut calls {
        tokio::select! {
            biased;
            result = call => panic!("{result:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    loop {
        tokio::task::yield_now().await;
    }
}

/// The processes that have inherited this mark.
fn marked(mark: &str) -> Vec<String> {
    let text = format!("{MARK}={mark}");
    let has_it = |pid: &String| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|entry| entry == text.as_bytes())
    };
    let pids = fs::read_dir("/proc").unwrap();
    let pids = pids.filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    pids.filter(|pid| pid.bytes().all(|byte| byte.is_ascii_digit())).filter(has_it).collect()
}

/// Killed after each of its first steps, so also between the start of a process and what follows.
#[tokio::test]
async fn after_a_kill_of_the_program_nothing_of_its_activities_is_left_within_a_second() {
    let clock = SystemClock::default();
    for steps in 1..=20 {
        let mark = format!("{}-{steps}", std::process::id());
        let mut program = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", PROGRAM, "--nocapture"])
            .env(MARK, &mark)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(program.stdout.take().unwrap()).lines().map_while(Result::ok);
        assert_eq!(lines.filter(|line| line.ends_with("begun")).take(steps).count(), steps);
        program.kill().unwrap();
        let killed = clock.monotonic();
        assert_eq!(program.wait().unwrap().signal(), Some(9));
        soon(async {
            while !marked(&mark).is_empty() {
                clock.sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        let took = clock.monotonic() - killed;
        // A busy machine gets ten times that.
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
}
