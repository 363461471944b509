//! What a process costs beside a bare loop, by the clock of this machine.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use chaos_core::clock::{Clock, SystemClock};
use chaos_lab::{
    experiment::{ProcessProvider, Provider},
    runner::Runner,
    substitution::Names,
};
use serde_json::Value;

const RUNS: u32 = 200;
const ROUNDS: u32 = 5;

/// Prints both. Run it alone, in a release build.
#[tokio::test]
#[ignore = "it measures, so it must run alone"]
async fn processes_cost_little_more_than_a_bare_loop() {
    let (runner, names, clock) = (Runner::start().unwrap(), Names::default(), SystemClock::default());
    let provider = Provider::Process(ProcessProvider::new("/bin/true", Value::Null));
    let (mut ours, mut bare) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..ROUNDS {
        let begin = clock.monotonic();
        for _ in 0..RUNS {
            let mut command = Command::new("/bin/true");
            let output = command.stdin(Stdio::null()).output().unwrap();
            assert!(output.status.success());
        }
        let between = clock.monotonic();
        for _ in 0..RUNS {
            assert_eq!(runner.carry_out(&provider, &names).await.unwrap()["status"], 0);
        }
        bare += between - begin;
        ours += clock.monotonic() - between;
    }
    println!("{} runs: {ours:?}, in a bare loop {bare:?}", RUNS * ROUNDS);
}
