//! Any signal to any process of a drill in any state of its fault: after the deadline and the recovery budget,
//! `recover` brings everything back, or it exits with 4 and names the targets that are not back.

use std::{collections::BTreeMap, env, fs, path::Path, time::Duration};

use crate::support::{
    DRILL, Ended, FleetProgram, SplitMix, command, end, pending, process_state, recover, text, within_limit,
};
use chaos_core::{
    clock::{Clock, SystemClock},
    fault::FaultRecord,
};
use futures_util::{StreamExt, future::join, stream};
use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;

const SIZE: usize = 3;
const HOLD: Duration = Duration::from_millis(1200);
const BUDGET: Duration = Duration::from_millis(1500);
/// The time in which a termination must begin: a process that is frozen in it is overdue only then.
const MOMENT: Duration = Duration::from_secs(60);
/// The number of cases at the same time, each with a fleet of its own.
const LANES: usize = 4;
/// The number of times that a drill may miss its point on a busy machine, because its hold was over before. Each next
/// one holds twice as long.
const MOST_MISSES: u32 = 4;
/// The longest time from the first sight of a holder to the blow, during an injection.
const MOST_LATE: Duration = Duration::from_millis(40);

const EVENTS: [&str; 2] = ["stop", "terminate"];
/// During the injection.
const WITHIN: &str = "within:injecting";
const POINTS: [&str; 10] = [
    "before:armed",
    "after:armed",
    "before:injecting",
    "after:injecting",
    WITHIN,
    "before:active",
    "after:active",
    "before:recovering",
    "after:recovering",
    "before:recovered",
];
const SIGNALS: [Signal; 5] = [Signal::KILL, Signal::STOP, Signal::HUP, Signal::QUIT, Signal::TERM];
const ALL_STRUCK: [Struck; 3] = [Struck::Injector, Struck::Holder, Struck::Both];

/// The processes that are struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Struck {
    Injector,
    /// The processes that hold the fault, if there are any at that moment: the janitor and its guard.
    Holder,
    Both,
}

/// One blow.
#[derive(Clone, Copy, Debug)]
struct Case {
    event: &'static str,
    /// The point at which the drill waits for it.
    point: &'static str,
    signal: Signal,
    struck: Struck,
}

/// The result of one blow.
struct Seen {
    /// The number of processes that held the fault when they were struck.
    holders: usize,
    /// The exit codes of `recover`.
    exits: Vec<i32>,
}

impl Case {
    fn product() -> impl Iterator<Item = Self> {
        SIGNALS
            .into_iter()
            .flat_map(|signal| ALL_STRUCK.into_iter().flat_map(move |struck| Self::all_of(signal, struck)))
    }

    fn all_of(signal: Signal, struck: Struck) -> impl Iterator<Item = Self> {
        EVENTS
            .into_iter()
            .flat_map(move |event| POINTS.into_iter().map(move |point| Self { event, point, signal, struck }))
    }

    /// Two cases for each signal and each kind of process. In one of the two, a process holds the fault.
    fn drawn(random: &mut SplitMix) -> Vec<Self> {
        let mut drawn = Vec::new();
        for (signal, struck) in
            SIGNALS.into_iter().flat_map(|signal| ALL_STRUCK.map(|struck| (signal, struck)))
        {
            for must_be_held in [false, true] {
                let mut cases: Vec<Self> = Self::all_of(signal, struck).collect();
                cases.retain(|case| !case.takes_minutes() && (case.is_held() || !must_be_held));
                drawn.push(cases[usize::try_from(random.next() >> 8).unwrap() % cases.len()]);
            }
        }
        drawn
    }

    fn freezes_injector(&self) -> bool {
        self.signal == Signal::STOP && self.struck != Struck::Holder
    }

    fn takes_minutes(&self) -> bool {
        self.freezes_injector() && self.event == "terminate"
    }

    /// Whether a process holds the fault while the drill waits at this point.
    fn is_held(&self) -> bool {
        self.event == "stop" && matches!(self.point, "before:active" | "after:active")
    }

    async fn perform(self, origin: String, late: Duration) -> Seen {
        let said = format!("{origin}: {self:?}");
        let clock = SystemClock::default();
        let fleet = FleetProgram::start(SIZE).await;
        let journal = fleet.place("signals.journal");
        let (mut drill, hold) = self.paused_drill(&fleet, &journal, &said).await;
        let met = pending(&journal).await;
        assert_eq!(met.is_empty(), self.point == "before:armed", "{said}: {met:#?}");
        if self.point == WITHIN {
            send_if_there(drill.id().unwrap(), Signal::CONT);
            while holders(&fleet).is_empty() && drill.try_wait().unwrap().is_none() {
                clock.sleep(Duration::from_millis(1)).await;
            }
            clock.sleep(late).await;
        }

        // A process that has ended is not struck again.
        let injector = drill.try_wait().unwrap().is_none().then(|| drill.id().unwrap());
        let holding = if self.struck == Struck::Injector { Vec::new() } else { holders(&fleet) };
        let may_be_over = met.iter().any(|fault| fault.deadline <= clock.now());
        let is_seen = self.struck == Struck::Injector || !holding.is_empty();
        assert!(is_seen || !self.is_held() || may_be_over, "{said}: no process holds it");
        let injectors = injector.filter(|_| self.struck != Struck::Holder);
        let struck: Vec<u32> = injectors.into_iter().chain(holding.iter().copied()).collect();
        struck.iter().for_each(|pid| send_if_there(*pid, self.signal));
        let mut frozen = Frozen(if self.signal == Signal::STOP { struck } else { Vec::new() });

        let mut exits = Vec::new();
        let drill = if self.freezes_injector() {
            // Until the budget is over, the fault may be left to the drill, if it is named. Past it, the drill's lease
            // no longer counts. The drill may be frozen in a write, and then nobody else can record a recovery: that is
            // named too.
            let (deadline, recover_by) = match met.first() {
                Some(fault) => (fault.deadline, fault.recover_by),
                None => (clock.now() + hold, clock.now() + hold + BUDGET),
            };
            for moment in [deadline, recover_by] {
                while clock.now() <= moment {
                    clock.sleep(Duration::from_millis(20)).await;
                }
                exits.push(recovers_or_names(&fleet, &journal, &said).await);
            }
            frozen.wake_up();
            if met.is_empty() || exits.ends_with(&[4]) {
                end(drill).await
            } else {
                ends_without_harm(drill, &fleet, &said).await
            }
        } else {
            injector.into_iter().for_each(|injector| send_if_there(injector, Signal::CONT));
            let drill = end(drill).await;
            exits.push(recovers_or_names(&fleet, &journal, &said).await);
            // The processes that hold the fault were frozen until now.
            frozen.wake_up();
            drill
        };

        // Now every process has ended, so everything comes back.
        exits.push(recovers_or_names(&fleet, &journal, &said).await);
        assert!(exits.ends_with(&[0]), "{said}: {exits:?}: {drill:#?}");
        within_limit(async {
            while fleet.healthy().await < SIZE || !holders(&fleet).is_empty() {
                clock.sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        assert_eq!(fleet.stopped(), [0; 0], "{said}");
        fleet.stop().await;
        Seen { holders: holding.len(), exits }
    }

    /// A stopped drill that waits at the point, and the duration of its fault.
    async fn paused_drill(&self, fleet: &FleetProgram, journal: &Path, said: &str) -> (Child, Duration) {
        let budget = format!("{}ms", BUDGET.as_millis());
        let paused_at = if self.point == WITHIN { "after:injecting" } else { self.point };
        let mut missed = Vec::new();
        for misses in 0..MOST_MISSES {
            let hold = if self.event == "stop" { HOLD * 2_u32.pow(misses) } else { MOMENT };
            let duration = format!("{}ms", hold.as_millis());
            let mut arguments = vec!["--event", self.event, "--recovery-budget", &budget];
            arguments.extend(["--journal", text(journal), "--pause-at", paused_at]);
            if self.event == "stop" {
                arguments.extend(["--duration", &duration]);
            }
            let mut drill = command(DRILL, fleet.attached(&arguments)).spawn().unwrap();
            let is_paused = within_limit(async {
                loop {
                    if drill.try_wait().unwrap().is_some() {
                        return false;
                    }
                    if process_state(drill.id().unwrap()) == Some('T') {
                        return true;
                    }
                    SystemClock::default().sleep(Duration::from_millis(5)).await;
                }
            });
            if is_paused.await {
                return (drill, hold);
            }
            missed.push(end(drill).await);
            assert_eq!(recovers_or_names(fleet, journal, said).await, 0, "{said}: {missed:#?}");
        }
        panic!("{said}: no drill came to its point: {missed:#?}");
    }
}

/// The processes that hold the fault of a drill on this fleet: one of its targets is an argument of theirs.
fn holders(fleet: &FleetProgram) -> Vec<u32> {
    let state = fleet.state().canonicalize().unwrap();
    let targets: Vec<Vec<u8>> =
        (0..SIZE).map(|index| format!("local:{}/replica-{index}", text(&state)).into_bytes()).collect();
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

/// Continues all processes that the blow has left frozen, even if a check fails.
struct Frozen(Vec<u32>);

impl Frozen {
    fn wake_up(&mut self) {
        self.0.drain(..).for_each(|pid| send_if_there(pid, Signal::CONT));
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.wake_up();
    }
}

/// Waits for the end of a drill that wakes up when others have recovered its fault: it finds nothing to do.
async fn ends_without_harm(drill: Child, fleet: &FleetProgram, said: &str) -> Ended {
    let processes = fleet.processes();
    let watching = async {
        loop {
            assert_eq!(fleet.stopped(), [0; 0], "{said}: stopped by a drill that has woken up");
            assert_eq!(fleet.processes(), processes, "{said}: ended by a drill that has woken up");
            SystemClock::default().sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        ended = end(drill) => ended,
        () = watching => unreachable!(),
    }
}

/// Returns the exit code, 0 or 4.
async fn recovers_or_names(fleet: &FleetProgram, journal: &Path, said: &str) -> i32 {
    let begun = SystemClock::default().now();
    let recovered = recover(journal).await;
    let left = pending(journal).await;
    for held in recovered.json()["held"].as_array().unwrap() {
        let recover_by: Timestamp = held["recover_by"].as_str().unwrap().parse().unwrap();
        assert!(begun <= recover_by, "{said}: left to a lease that no longer counts: {recovered:#?}");
    }
    match recovered.status.code() {
        Some(0) => {
            assert!(left.is_empty(), "{said}: exit 0 with pending entries: {recovered:#?}: {left:#?}");
            assert_eq!(fleet.stopped(), [0; 0], "{said}: exit 0 with stopped processes: {recovered:#?}");
            0
        }
        Some(4) => {
            let names = |fault: &FaultRecord| recovered.stdout.contains(&fault.id.to_string());
            assert!(!left.is_empty() && left.iter().all(names), "{said}: {recovered:#?}: {left:#?}");
            4
        }
        _ => panic!("{said}: {recovered:#?}"),
    }
}

/// With `CHAOS_LONG=1`, every combination of events, states, signals and processes. Otherwise a drawn part of them.
#[tokio::test]
async fn whatever_signal_meets_whichever_process_in_whatever_state() {
    let is_long = env::var_os("CHAOS_LONG").is_some_and(|value| value == "1");
    let mut random = SplitMix::drawn();
    let cases = if is_long { Case::product().collect() } else { Case::drawn(&mut random) };
    println!("{}: {} cases", random.origin(), cases.len());
    let (slow, fast): (Vec<Case>, Vec<Case>) = cases.into_iter().partition(Case::takes_minutes);
    let origin = random.origin();
    let mut all = |cases: Vec<Case>, lanes| {
        let begun: Vec<_> = cases
            .into_iter()
            .map(|case| {
                let (origin, late) = (origin.clone(), MOST_LATE.mul_f64(random.next_unit()));
                async move {
                    let seen = case.perform(origin, late).await;
                    println!("{case:?}: {} holders, recover exits with {:?}", seen.holders, seen.exits);
                    seen.exits
                }
            })
            .collect();
        stream::iter(begun).buffer_unordered(lanes).collect::<Vec<_>>()
    };
    // The cases that wait for a minute do nothing else meanwhile.
    let waiting = slow.len().max(1);
    let (slow, fast) = join(all(slow, waiting), all(fast, LANES)).await;
    let mut exits: BTreeMap<i32, u32> = BTreeMap::new();
    for exit in slow.into_iter().chain(fast).flatten() {
        *exits.entry(exit).or_default() += 1;
    }
    println!("exits of recover: {exits:?}");
}

/// The target did not come back: its processes are gone for good.
#[tokio::test]
async fn a_fleet_that_is_killed_in_the_hold_is_not_seen_to_be_back() {
    let fleet = FleetProgram::start(2).await;
    let journal = fleet.place("gone.journal");
    let state = fleet.state();
    let arguments =
        ["--attach", text(&state), "--yes", "--steady", "20ms", "--event", "stop", "--duration", "4s"];
    let drill =
        command(DRILL, arguments.iter().copied().chain(["--journal", text(&journal)])).spawn().unwrap();
    within_limit(async {
        while fleet.stopped().is_empty() {
            SystemClock::default().sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    fleet.signal(Signal::KILL);
    let drill = end(drill).await;
    assert!(!drill.stdout.contains("seen to be back"), "{drill:#?}");
    assert!(drill.stdout.contains("gone") || drill.stdout.contains("no longer"), "{drill:#?}");
}
