//! The suite of probes: sound ones pass, and each check is violated by a liar. And a monkey over faulty ones.

use std::{
    fmt,
    mem::ManuallyDrop,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use crate::support::{Coverage, paused};
use chaos_core::{
    Error, ErrorKind, Journal, MemoryJournal, Monkey, Outcome, Provider, Registry, Result, RunReport,
    SteadyState, async_trait,
    clock::{Clock, SystemClock},
    fault::CutShort,
    group::GroupId,
    plan::Reason,
    probe,
    steady_state::{GroupHealth, Probe, Reading},
    testing::{ManualClock, MemoryProvider, PowerOff, PowerOn},
};
use chaos_testkit::{
    CheckResult, ContractReport, Timing, contract,
    faulty::{FaultyProbe, Times},
};

const SECOND: Duration = Duration::from_secs(1);

/// A system that takes some rounds to answer.
async fn answer() -> bool {
    for _ in 0..5 {
        tokio::task::yield_now().await;
    }
    true
}

fn sound() -> impl Probe {
    probe("the shop", answer)
}

fn silent() -> impl Probe {
    probe("a shop that is stuck", std::future::pending::<bool>).answering_within(SECOND)
}

async fn check(liar: &impl Probe) -> ContractReport {
    contract::probe::check_with_silence(&paused(), liar, &silent()).await
}

#[tokio::test(start_paused = true)]
async fn probes_of_the_core_pass() {
    check(&sound()).await.assert_kept();
    let asleep = probe("a slow shop", || async {
        SystemClock::default().sleep(SECOND).await;
        Ok(7)
    });
    check(&asleep).await.assert_kept();
    let boxed: Box<dyn Probe> = Box::new(sound());
    check(&boxed).await.assert_kept();
    let web = || "memory:web".parse::<GroupId>().unwrap();
    let fleet = MemoryProvider::default().with_group("web", 3).unwrap();
    for health in [GroupHealth::count(fleet.clone(), web()), GroupHealth::share(fleet, web())] {
        let report = contract::probe::check(&paused(), &health).await;
        report.assert_kept();
        assert_eq!((report.passed(), report.not_applicable()), (6, 2), "{report}");
        let silence = report.check("silence becomes no answer or an error, in time");
        let why = "no probe of a silent system was given".to_owned();
        assert_eq!(silence, Some(&CheckResult::NotApplicable(why)));
    }
}

/// In real time, as probes of real systems are checked.
#[tokio::test]
async fn a_probe_passes_in_real_time() {
    let silent = probe("a shop that is stuck", std::future::pending::<bool>).answering_within(SECOND / 10);
    contract::probe::check_with_silence(&Timing::default(), &sound(), &silent).await.assert_kept();
}

/// A probe that lies in one way.
#[derive(Debug)]
struct Liar {
    lie: Lie,
    calls: AtomicUsize,
}

#[derive(Clone, Copy, Debug)]
enum Lie {
    ChecksOnce,
    SaysTwoLines,
    SaysNothing,
    SaysSomethingElse,
    /// It cannot look while another look is under way.
    LooksAlone,
    /// It never looks again after three looks were dropped.
    RemembersDrops,
}

fn liar(lie: Lie) -> Liar {
    Liar { lie, calls: AtomicUsize::new(0) }
}

impl fmt::Display for Liar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lie {
            Lie::SaysTwoLines => f.write_str("the shop\nis open"),
            Lie::SaysNothing => f.write_str(" "),
            Lie::SaysSomethingElse => write!(f, "look {}", self.calls.fetch_add(1, Ordering::SeqCst)),
            _ => f.write_str("the shop"),
        }
    }
}

#[async_trait]
impl Probe for Liar {
    async fn look(&self, _: &dyn Clock) -> Result<Reading> {
        match self.lie {
            Lie::LooksAlone => {
                let _under_way = self.enter(1)?;
                Ok(answer().await.into())
            }
            Lie::RemembersDrops => {
                // Only a look that ends is counted out.
                let under_way = ManuallyDrop::new(self.enter(3)?);
                let answered = answer().await;
                drop(ManuallyDrop::into_inner(under_way));
                Ok(answered.into())
            }
            _ => Ok(answer().await.into()),
        }
    }

    fn check(&self) -> Result<()> {
        match self.lie {
            Lie::ChecksOnce if self.calls.fetch_add(1, Ordering::SeqCst) > 0 => {
                Err(Error::invalid("port", 99_999, "at most 65535"))
            }
            _ => Ok(()),
        }
    }
}

impl Liar {
    /// Counts a look in, of at most so many.
    fn enter(&self, most: usize) -> Result<UnderWay<'_>> {
        let before = self.calls.fetch_add(1, Ordering::SeqCst);
        let under_way = UnderWay(&self.calls);
        if before >= most {
            return Err(Error::new(ErrorKind::Conflict, "another look is under way"));
        }
        Ok(under_way)
    }
}

struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

const BLOCKS: &str = "it does not block its thread";
const AGAIN: &str = "it looks, and looks again";
const AT_ONCE: &str = "two looks at once do not disturb each other";
const DROPPED: &str = "it looks after a look that was dropped half-way";
const SILENCE: &str = "silence becomes no answer or an error, in time";
const WAITS: &str = "it does not block its thread while a system is silent";

#[tokio::test(start_paused = true)]
async fn every_check_sees_its_liar() {
    const ONE_LINE: &str = "it says in one line what it looks at";
    let mut coverage = Coverage::of_sound(&check(&sound()).await);
    for (lie, violated) in [
        (Lie::ChecksOnce, "it can be asked, and says so each time"),
        (Lie::SaysTwoLines, ONE_LINE),
        (Lie::SaysNothing, ONE_LINE),
        (Lie::SaysSomethingElse, ONE_LINE),
        (Lie::LooksAlone, AT_ONCE),
        (Lie::RemembersDrops, DROPPED),
    ] {
        coverage.caught(&format!("{lie:?}"), &check(&liar(lie)).await, &[violated]);
    }

    // The first three looks are timed, and the fifth one is the second of two in a row.
    let time = Duration::from_millis(600);
    let blocking = FaultyProbe::blocking(sound(), Times::first(3), time);
    coverage.caught("blocks its thread", &check(&blocking).await, &[BLOCKS]);
    let by_chance = FaultyProbe::blocking(sound(), Times::first(2), time);
    check(&by_chance).await.assert_kept();
    let second = Times::nth(5);
    coverage.caught("hangs", &check(&FaultyProbe::hanging(sound(), second)).await, &[AGAIN]);
    coverage.caught("panics", &check(&FaultyProbe::panicking(sound(), second)).await, &[AGAIN]);
    coverage.caught("errs", &check(&FaultyProbe::failing(sound(), second)).await, &[AGAIN]);
    coverage.caught("is silent", &check(&FaultyProbe::silent(sound(), second)).await, &[AGAIN]);
    let flapping = FaultyProbe::flapping(sound());
    coverage.caught("flaps", &check(&flapping).await, &[AGAIN, AT_ONCE]);

    let answers = contract::probe::check_with_silence(&paused(), &sound(), &sound()).await;
    coverage.caught("hears what is silent", &answers, &[SILENCE]);
    let endless = probe("a shop that is stuck", std::future::pending::<bool>);
    let endless = contract::probe::check_with_silence(&paused(), &sound(), &endless).await;
    coverage.caught("waits for ever", &endless, &[SILENCE]);
    // Three looks are timed, after the two that must end.
    let blocked = FaultyProbe::blocking(silent(), Times::first(5), time);
    let blocked = contract::probe::check_with_silence(&paused(), &sound(), &blocked).await;
    coverage.caught("blocks its thread while it waits", &blocked, &[WAITS]);
    coverage.assert_complete();
}

/// A run over a world of its own, whatever the probe does.
async fn run(probe: impl Probe) -> RunReport {
    let (world, journal) = (MemoryProvider::default().with_group("web", 4).unwrap(), MemoryJournal::new());
    let steady = SteadyState::new("If one machine is off, then the shop is open")
        .probe("shop", probe, true)
        .again_within(SECOND);
    let monkey = Monkey::builder()
        .provider(world.clone())
        .event(PowerOff::default())
        .clock(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()))
        .seed(1)
        .steady_state(steady)
        .unleash(journal.clone(), Registry::default().register::<PowerOn>())
        .build()
        .unwrap();
    let report = monkey.run_once().await.unwrap();
    let group = world.group(&"memory:web".parse().unwrap()).await.unwrap();
    assert_eq!(group.healthy(), 4, "{report}");
    assert_eq!(journal.pending().await.unwrap().faults, [], "{report}");
    report
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_breaks_is_a_doubt_or_a_violation_before_the_fault_and_during_it() {
    type Faulty = fn(Times) -> FaultyProbe<Box<dyn Probe>>;
    let doubts: [Faulty; 3] = [
        |times| FaultyProbe::hanging(Box::new(sound()), times),
        |times| FaultyProbe::panicking(Box::new(sound()), times),
        |times| FaultyProbe::failing(Box::new(sound()), times),
    ];
    // The first look is for the plan, the second one for the victim, and the third one is during the fault.
    for faulty in doubts {
        let report = run(faulty(Times::nth(1))).await;
        assert!(matches!(report.plan.refused, Some(Reason::Doubt { .. })), "{report}");
        let report = run(faulty(Times::nth(2))).await;
        assert!(matches!(report.skipped[0].reason, Reason::Doubt { .. }), "{report}");
        let report = run(faulty(Times::nth(3))).await;
        assert_eq!(report.outcome(), Outcome::Inconclusive, "{report}");
        assert_eq!(report.faults[0].cut_short, Some(CutShort::InDoubt), "{report}");
    }
    let silent = |times| FaultyProbe::silent(sound(), times);
    let report = run(silent(Times::nth(2))).await;
    assert!(matches!(report.skipped[0].reason, Reason::NotSteady { .. }), "{report}");
    let report = run(silent(Times::nth(3))).await;
    assert_eq!(report.outcome(), Outcome::Deviated, "{report}");
    assert_eq!(report.faults[0].cut_short, Some(CutShort::NotSteady), "{report}");
    let report = run(FaultyProbe::flapping(sound())).await;
    assert!(matches!(report.skipped[0].reason, Reason::NotSteady { .. }), "{report}");
    let report = run(silent(Times::first(0))).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
}
