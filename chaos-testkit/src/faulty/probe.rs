use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use chaos_core::{
    Error, ErrorKind, Result,
    clock::Clock,
    steady_state::{Probe, Reading},
};

use super::Times;

/// A probe whose looks break: they hang, panic, err, get no answer or block their thread. Every other look goes to the
/// sound probe.
///
/// Looks are counted from 1 over the life of the wrapper, looks at one moment in any order.
///
/// ```
/// use chaos_core::{
///     MemoryJournal, Monkey, Registry, SteadyState, fault::CutShort, probe,
///     testing::{ManualClock, MemoryProvider, PowerOff, PowerOn},
/// };
/// use chaos_testkit::faulty::{FaultyProbe, Times};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> chaos_core::Result<()> {
/// // It looks before the plan and before the injection, and then hangs while the fault is in effect.
/// let hangs = FaultyProbe::hanging(probe("the shop", || async { true }), Times::nth(3));
/// let monkey = Monkey::builder()
///     .provider(MemoryProvider::default().with_group("web", 5)?)
///     .event(PowerOff::default())
///     .steady_state(SteadyState::new("If one machine is off, then the shop is open").probe("shop", hangs, true))
///     .clock(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()))
///     .unleash(MemoryJournal::new(), Registry::default().register::<PowerOn>())
///     .build()?;
/// let report = monkey.run_once().await?;
/// assert_eq!(report.faults[0].cut_short, Some(CutShort::InDoubt), "{report}");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct FaultyProbe<P> {
    inner: P,
    fault: Fault,
    times: Broken,
    looks: AtomicUsize,
}

/// What becomes of a look that breaks.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Hangs,
    Panics,
    Errs,
    GetsNoAnswer,
    Blocks(Duration),
}

/// The looks that break.
#[derive(Clone, Copy, Debug)]
enum Broken {
    These(Times),
    EverySecond,
}

impl<P: Probe> FaultyProbe<P> {
    /// Its looks never end. Dropping one ends it.
    pub fn hanging(probe: P, times: Times) -> Self {
        Self::new(probe, Fault::Hangs, Broken::These(times))
    }

    /// Its looks panic.
    pub fn panicking(probe: P, times: Times) -> Self {
        Self::new(probe, Fault::Panics, Broken::These(times))
    }

    /// Its looks fail with kind `Unavailable`, as if nobody could look.
    pub fn failing(probe: P, times: Times) -> Self {
        Self::new(probe, Fault::Errs, Broken::These(times))
    }

    /// Its looks get no answer, as if the system were silent.
    pub fn silent(probe: P, times: Times) -> Self {
        Self::new(probe, Fault::GetsNoAnswer, Broken::These(times))
    }

    /// The first look goes to the sound probe, the second one gets no answer, and so on by turns.
    pub fn flapping(probe: P) -> Self {
        Self::new(probe, Fault::GetsNoAnswer, Broken::EverySecond)
    }

    /// Its looks block their thread for this long in real time, which no probe may do, and then go to the sound probe.
    /// A runtime with one thread does nothing else meanwhile.
    pub fn blocking(probe: P, times: Times, time: Duration) -> Self {
        Self::new(probe, Fault::Blocks(time), Broken::These(times))
    }

    fn new(inner: P, fault: Fault, times: Broken) -> Self {
        Self { inner, fault, times, looks: AtomicUsize::new(0) }
    }

    fn breaks(&self) -> bool {
        let number = self.looks.fetch_add(1, Ordering::SeqCst) + 1;
        match self.times {
            Broken::These(times) => times.contains(number),
            Broken::EverySecond => number.is_multiple_of(2),
        }
    }
}

impl<P: fmt::Display> fmt::Display for FaultyProbe<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<P: Probe> Probe for FaultyProbe<P> {
    #[expect(clippy::panic, clippy::disallowed_methods, reason = "the purpose of this wrapper is to break")]
    async fn look(&self, clock: &dyn Clock) -> Result<Reading> {
        if self.breaks() {
            match self.fault {
                Fault::Hangs => std::future::pending().await,
                Fault::Panics => panic!("this look was made to panic"),
                Fault::Errs => {
                    return Err(Error::new(ErrorKind::Unavailable, "this look was made to fail"));
                }
                Fault::GetsNoAnswer => return Ok(Reading::no_answer("this look was made to get none")),
                Fault::Blocks(time) => std::thread::sleep(time),
            }
        }
        self.inner.look(clock).await
    }

    fn check(&self) -> Result<()> {
        self.inner.check()
    }
}
