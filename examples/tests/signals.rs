//! Whatever signal meets whichever process of a drill in whatever state of its fault: after the deadline and the recovery budget,
//! `recover` brings everything back, or it exits with 4 and names what is not.

#![allow(clippy::panic, clippy::unwrap_used, reason = "clippy takes only test functions for test code")]

mod support;

use std::{collections::BTreeMap, env, fs, path::Path, time::Duration};

use chaos_core::{Clock, FaultRecord, SystemClock};
use rustix::process::{Pid, Signal, kill_process};
use support::{DRILL, FleetProgram, RECOVER, SplitMix, command, end, pending, run, text};

const SIZE: usize = 5;
const HOLD: Duration = Duration::from_millis(800);
const BUDGET: Duration = Duration::from_millis(1500);
const EVENTS: [&str; 3] = ["stop", "stop", "terminate"];
const SIGNALS: [Signal; 5] = [Signal::KILL, Signal::STOP, Signal::HUP, Signal::QUIT, Signal::TERM];

/// Who is struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Struck {
    Injector,
    /// Whatever holds the fault, if anything does just then.
    Holder,
    Both,
}

/// One blow.
#[derive(Debug)]
struct Blow {
    event: &'static str,
    signal: Signal,
    struck: Struck,
    moment: Duration,
}

impl Blow {
    fn of(number: u64, span: Duration, random: &mut SplitMix) -> Self {
        let pick = |count: usize, number: u64| usize::try_from(number).unwrap() % count;
        let (signal, drawn) = (SIGNALS[pick(5, number)], EVENTS[pick(3, random.next() >> 8)]);
        Self {
            signal,
            struck: [Struck::Injector, Struck::Holder, Struck::Both][pick(3, number / 5)],
            // A termination has a minute in which to begin: whoever is frozen in it is overdue only then.
            event: if signal == Signal::STOP { "stop" } else { drawn },
            // Before that a drill looks around.
            moment: span.mul_f64(0.25 + 0.75 * random.next_unit()),
        }
    }
}

/// The processes that hold the fault of a drill on this fleet: those that have one of its targets as a whole argument.
fn holders(fleet: &FleetProgram) -> Vec<u32> {
    let targets: Vec<Vec<u8>> = (0..SIZE)
        .map(|index| {
            format!("local:{}/replica-{index}", text(&fleet.state().canonicalize().unwrap())).into_bytes()
        })
        .collect();
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let pid: u32 = entry.unwrap().file_name().to_str()?.parse().ok()?;
        let arguments = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let holds = arguments
            .split(|byte| *byte == 0)
            .any(|argument| targets.iter().any(|target| target == argument));
        holds.then_some(pid)
    });
    pids.collect()
}

fn send_if_there(pid: u32, signal: Signal) {
    let _ = kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal);
}

/// Ends everything that the blow has left frozen, also where a check fails.
struct Frozen(Vec<u32>);

impl Drop for Frozen {
    fn drop(&mut self) {
        self.0.drain(..).for_each(|pid| send_if_there(pid, Signal::CONT));
    }
}

async fn strike(fleet: &FleetProgram, journal: &Path, blow: &Blow, said: &str) -> Vec<FaultRecord> {
    let clock = SystemClock::default();
    let (hold, budget) = (format!("{}ms", HOLD.as_millis()), format!("{}ms", BUDGET.as_millis()));
    let mut arguments = vec!["--event", blow.event, "--recovery-budget", &budget, "--journal", text(journal)];
    if blow.event == "stop" {
        arguments.extend(["--duration", &hold]);
    }
    let drill = command(DRILL, fleet.attached(&arguments)).spawn().unwrap();
    clock.sleep(blow.moment).await;
    let injector = drill.id().unwrap();
    let mut struck = if blow.struck == Struck::Holder { Vec::new() } else { vec![injector] };
    if blow.struck != Struck::Injector {
        struck.extend(holders(fleet));
    }
    struck.iter().for_each(|pid| send_if_there(*pid, blow.signal));
    let mut frozen = Frozen(if blow.signal == Signal::STOP { struck } else { Vec::new() });
    let met = pending(journal).await;

    if frozen.0.contains(&injector) {
        // Past the deadline and the budget it counts no more.
        let overdue = met.iter().map(|fault| fault.recover_by).max();
        while overdue.is_some_and(|overdue| clock.now() <= overdue) {
            clock.sleep(Duration::from_millis(20)).await;
        }
        recovers_or_names(fleet, journal, said).await;
        // What wakes up late finds nothing to do.
        drop(std::mem::replace(&mut frozen, Frozen(Vec::new())));
    }
    end(drill).await;
    drop(frozen);
    recovers_or_names(fleet, journal, said).await;
    met
}

async fn recovers_or_names(fleet: &FleetProgram, journal: &Path, said: &str) {
    let recovered = run(RECOVER, ["--journal", text(journal)]).await;
    let left = pending(journal).await;
    match recovered.status.code() {
        Some(0) => {
            assert!(left.is_empty(), "{said}: exit 0 with pending entries: {left:#?}");
            assert_eq!(fleet.stopped(), [0; 0], "{said}: exit 0 with stopped processes: {recovered:#?}");
        }
        Some(4) => {
            let names = |fault: &FaultRecord| recovered.stdout.contains(&fault.id.to_string());
            assert!(!left.is_empty() && left.iter().all(names), "{said}: {recovered:#?}: {left:#?}");
        }
        _ => panic!("{said}: {recovered:#?}"),
    }
}

/// All of the product of signals, processes and moments with `CHAOS_LONG=1`, otherwise a drawn part of it.
#[tokio::test]
async fn whatever_signal_meets_whichever_process() {
    let is_long = env::var_os("CHAOS_LONG").is_some_and(|value| value == "1");
    let mut random = SplitMix::drawn();
    println!("{}", random.origin());
    let fleet = FleetProgram::start(SIZE).await;
    let journal = fleet.place("signals.journal");
    let clock = SystemClock::default();
    let began = clock.now();
    let arguments = ["--event", "stop", "--duration", "800ms", "--journal", text(&journal)];
    let _ = run(DRILL, fleet.attached(&arguments)).await;
    let span = Duration::try_from(clock.now().duration_since(began)).unwrap();

    let mut met: BTreeMap<String, u32> = BTreeMap::new();
    let blows = if is_long { 15 * 20 } else { 15 };
    for number in 0..blows {
        let blow = Blow::of(number, span, &mut random);
        let said = format!("blow {number} of {}: {blow:?}", random.origin());
        let found = strike(&fleet, &journal, &blow, &said).await;
        *met.entry(found.first().map_or("none".to_owned(), |fault| fault.state.to_string())).or_default() +=
            1;
        // Whoever was terminated is replaced before the next blow.
        support::within_limit(async {
            while fleet.healthy().await < SIZE {
                clock.sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        // What `recover` has named before its time is over by now.
        recovers_or_names(&fleet, &journal, &said).await;
        let left = pending(&journal).await;
        assert!(left.is_empty(), "{said}: {left:#?}");
    }
    println!("pending after the blows: {met:?}");
    fleet.stop().await;
}

/// Nothing came back: its processes are gone for good.
#[tokio::test]
async fn a_fleet_that_is_killed_in_the_hold_is_not_seen_to_be_back() {
    let fleet = FleetProgram::start(2).await;
    let journal = fleet.place("gone.journal");
    let state = fleet.state();
    let arguments =
        ["--attach", text(&state), "--yes", "--steady", "20ms", "--event", "stop", "--duration", "4s"];
    let drill =
        command(DRILL, arguments.iter().copied().chain(["--journal", text(&journal)])).spawn().unwrap();
    support::within_limit(async {
        while fleet.stopped().is_empty() {
            SystemClock::default().sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    fleet.signal(Signal::KILL);
    let drill = end(drill).await;
    assert!(!drill.stdout.contains("seen to be back"), "{drill:#?}");
    assert!(drill.stdout.contains("gone") || drill.stdout.contains("no more"), "{drill:#?}");
}
