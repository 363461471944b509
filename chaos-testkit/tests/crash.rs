//! `CrashAt` kills its process at the stated write, seen from outside.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

use std::{
    io::Write,
    os::unix::process::ExitStatusExt,
    process::{Command, Stdio},
};

use chaos_core::{
    FaultState, ManualClock, MemoryJournal, Monkey, Registry, Result, async_trait,
    memory::{MemoryProvider, PowerOff, PowerOn},
};
use chaos_testkit::faulty::{CrashAt, Faulty, Interference, JournalCall, When};
use jiff::Timestamp;

const POINT: &str = "CHAOS_TESTKIT_CRASH_POINT";
const NAME: &str = "a_journal_kills_its_process_at_the_stated_write";
const SIGKILL: i32 = 9;

/// The parent starts this same test as a child for each point, told by the environment.
#[test]
fn a_journal_kills_its_process_at_the_stated_write() {
    if let Ok(point) = std::env::var(POINT) {
        return crash_at(point.parse().unwrap());
    }
    let states = [
        FaultState::Armed,
        FaultState::Injecting,
        FaultState::Active,
        FaultState::Recovering,
        FaultState::Recovered,
    ];
    for (number, state) in states.into_iter().enumerate() {
        for when in [When::BeforeMark, When::AfterMark] {
            let point = 2 * number + usize::from(when == When::AfterMark);
            let child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", NAME, "--nocapture"])
                .env(POINT, point.to_string())
                .stderr(Stdio::inherit())
                .output()
                .unwrap();
            let stdout = String::from_utf8(child.stdout).unwrap();
            assert_eq!(child.status.signal(), Some(SIGKILL), "{state}: {:?}\n{stdout}", child.status);
            let written: Vec<&str> = stdout.lines().filter_map(|line| line.strip_prefix("wrote ")).collect();
            let expected: Vec<String> = states[..point.div_ceil(2)].iter().map(ToString::to_string).collect();
            assert_eq!(written, expected, "{when:?} of {state}\n{stdout}");
        }
    }
}

fn crash_at(point: usize) {
    let state = FaultState::ALL[point / 2];
    let when = [When::BeforeMark, When::AfterMark][point % 2];
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let journal = CrashAt::journal(Faulty::new(MemoryJournal::new(), Talker), state, when);
        let monkey = Monkey::builder()
            .provider(MemoryProvider::default().with_group("web", 3).unwrap())
            .event(PowerOff::default())
            .clock(ManualClock::starting_at(Timestamp::UNIX_EPOCH))
            .unleash(journal, Registry::default().register::<PowerOn>())
            .build()
            .unwrap();
        let _ = monkey.run_once().await.unwrap();
    });
    unreachable!("the process outlived {state}");
}

/// Tells the parent what was written, past every buffer that the death would take along.
#[derive(Debug)]
struct Talker;

#[async_trait]
impl Interference<JournalCall> for Talker {
    async fn after(&self, call: JournalCall) -> Result<()> {
        let state = match call {
            JournalCall::Arm => FaultState::Armed,
            JournalCall::Mark(state) => state,
            _ => return Ok(()),
        };
        let mut stdout = std::io::stdout();
        writeln!(stdout, "wrote {state}").unwrap();
        stdout.flush().unwrap();
        Ok(())
    }
}
