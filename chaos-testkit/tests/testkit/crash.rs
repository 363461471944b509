//! `CrashAt` kills or stops its process at the stated write, seen from outside.

use std::{
    io::{Read, Write},
    os::unix::process::ExitStatusExt,
    process::{Child, Command, Stdio},
    time::Duration,
};

use chaos_core::{
    Hold, Journal, MemoryJournal, Monkey, Registry, Result, async_trait,
    clock::{Clock, SystemClock},
    fault::FaultState,
    testing::{ManualClock, MemoryProvider, PowerOff, PowerOn},
};
use chaos_testkit::faulty::{CrashAt, Faulty, Interference, JournalCall, When};
use jiff::Timestamp;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

const POINT: &str = "CHAOS_TESTKIT_CRASH_POINT";
const NAME: &str = "crash::a_journal_kills_its_process_at_the_stated_write";
const NAME_OF_PAUSE: &str =
    "crash::a_journal_stops_its_process_at_the_stated_write_until_somebody_continues_it";
const SIGKILL: i32 = 9;

/// The parent starts this same test as a child for each point, which is in the environment.
#[test]
fn a_journal_kills_its_process_at_the_stated_write() {
    if let Ok(point) = std::env::var(POINT) {
        let (state, when) = of_number(point.parse().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let clock = ManualClock::starting_at(Timestamp::UNIX_EPOCH);
        runtime.unwrap().block_on(unleash(CrashAt::journal(talking(), state, when), clock));
        unreachable!("the process outlived {state}");
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

#[test]
fn a_journal_stops_its_process_at_the_stated_write_until_somebody_continues_it() {
    if let Ok(point) = std::env::var(POINT) {
        let (state, when) = of_number(point.parse().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let journal = CrashAt::pausing_journal(talking(), state, when);
        return runtime.block_on(unleash(journal, SystemClock::default()));
    }
    for (when, written_before) in [(When::BeforeMark, 1), (When::AfterMark, 2)] {
        let point = 2 + usize::from(when == When::AfterMark);
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME_OF_PAUSE, "--nocapture"])
            .env(POINT, point.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut child = Ending(child);
        let pid = Pid::from_child(&child.0);
        let (_, status) = waitpid(Some(pid), WaitOptions::UNTRACED).unwrap().unwrap();
        assert_eq!(status.stopping_signal(), Some(Signal::STOP.as_raw()), "{when:?}: {status:?}");
        // Everything that it has written before is in the pipe.
        let mut stdout = child.0.stdout.take().unwrap();
        let mut written = vec![0; 4096];
        let length = stdout.read(&mut written).unwrap();
        written.truncate(length);
        let count = |text: &[u8]| String::from_utf8_lossy(text).matches("wrote ").count();
        assert_eq!(count(&written), written_before, "{when:?}");

        kill_process(pid, Signal::CONT).unwrap();
        stdout.read_to_end(&mut written).unwrap();
        assert!(child.0.wait().unwrap().success(), "{when:?}");
        assert_eq!(count(&written), 5, "{when:?}");
    }
}

/// A process that ends with the test, even if the test fails.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn of_number(point: usize) -> (FaultState, When) {
    (FaultState::ALL[point / 2], [When::BeforeMark, When::AfterMark][point % 2])
}

fn talking() -> impl Journal {
    Faulty::new(MemoryJournal::new(), Talker)
}

async fn unleash(journal: impl Journal, clock: impl Clock) {
    let monkey = Monkey::builder()
        .provider(MemoryProvider::default().with_group("web", 3).unwrap())
        .event(PowerOff::lasting(Hold::lasting(Duration::from_millis(100)).unwrap()))
        .clock(clock)
        .unleash(journal, Registry::default().register::<PowerOn>())
        .build()
        .unwrap();
    let _ = monkey.run_once().await.unwrap();
}

/// Tells the parent about a write, past every buffer that would be lost with the process.
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
