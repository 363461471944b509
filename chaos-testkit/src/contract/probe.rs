//! The contract of a [`Probe`].

mod looks;

use chaos_core::steady_state::{Probe, Reading};
use futures_util::future::join;

use crate::{
    ContractReport, Timing,
    report::{Checked, Suite, ensure, not_applicable, violated},
};
use looks::{Blocking, dropped_after, look};

/// A look is dropped after each of its first polls, up to this many.
const MOST_POLLS: usize = 1_000;

/// Checks a probe of a system that answers: that it reads a value each time, that looks disturb neither each other nor
/// those that are dropped half-way, and that it blocks no thread.
///
/// A look may take as long as [`Timing::settle`]. The suite looks some dozen times. No suite sees everything: whether a
/// dropped look leaves a process or a connection behind is for a test of your own, and so is a look that blocks its
/// thread for less than half a second.
///
/// Cancel safe: a dropped look leaves nothing behind.
///
/// ```
/// use chaos_core::{group::GroupId, steady_state::GroupHealth, testing::{ManualClock, MemoryProvider}};
/// use chaos_testkit::{Timing, contract};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> chaos_core::Result<()> {
/// let timing = Timing::new(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()));
/// let fleet = MemoryProvider::default().with_group("web", 3)?;
/// let healthy = GroupHealth::count(fleet, "memory:web".parse()?);
/// contract::probe::check(&timing, &healthy).await.assert_kept();
/// # Ok(())
/// # }
/// ```
pub async fn check(timing: &Timing, probe: &impl Probe) -> ContractReport {
    let mut suite = Suite::new("probe", timing);
    answering(&mut suite, probe).await;
    for name in [ENDS_IN_TIME, WAITS_WITHOUT_BLOCKING] {
        suite.check(name, async { not_applicable("no probe of a silent system was given") }).await;
    }
    suite.report()
}

/// As [`check`], and that the silence of a system is noticed: `silent` looks at a system that takes a request and never
/// answers. It has to give up by itself within [`Timing::settle`], with [`Reading::NoAnswer`] or an error. Give it a
/// time limit of a second or more, so that a look that blocks its thread shows.
///
/// ```
/// use std::time::Duration;
/// use chaos_core::{probe, testing::ManualClock};
/// use chaos_testkit::{Timing, contract};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let timing = Timing::new(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()));
/// let shop = probe("the shop", || async { true });
/// let silent = probe("a shop that is stuck", std::future::pending::<bool>);
/// let silent = silent.answering_within(Duration::from_secs(1));
/// contract::probe::check_with_silence(&timing, &shop, &silent).await.assert_kept();
/// # }
/// ```
pub async fn check_with_silence(timing: &Timing, probe: &impl Probe, silent: &impl Probe) -> ContractReport {
    let mut suite = Suite::new("probe", timing);
    answering(&mut suite, probe).await;
    suite.check(ENDS_IN_TIME, notices_silence(timing, silent)).await;
    suite.check(WAITS_WITHOUT_BLOCKING, blocks_no_thread(timing, silent)).await;
    suite.report()
}

const ENDS_IN_TIME: &str = "silence becomes no answer or an error, in time";
const WAITS_WITHOUT_BLOCKING: &str = "it does not block its thread while a system is silent";

async fn answering(suite: &mut Suite<'_>, probe: &impl Probe) {
    let timing = suite.timing;
    suite.check("it can be asked, and says so each time", async { says_so_each_time(probe) }).await;
    suite.check("it says in one line what it looks at", async { is_one_line(probe) }).await;
    // Before the others, which would only be slow.
    suite.check("it does not block its thread", blocks_no_thread(timing, probe)).await;
    suite.check("it looks, and looks again", looks_again(timing, probe)).await;
    suite.check("two looks at once do not disturb each other", looks_at_once(timing, probe)).await;
    suite.check("it looks after a look that was dropped half-way", survives_drops(timing, probe)).await;
}

fn says_so_each_time(probe: &impl Probe) -> Checked {
    for time in ["first", "second"] {
        probe.check().or_else(|error| violated(format!("the {time} time it said: {}", error.chain())))?;
    }
    Ok(())
}

fn is_one_line(probe: &impl Probe) -> Checked {
    let text = probe.to_string();
    ensure!(!text.trim().is_empty(), "it says nothing");
    ensure!(!text.contains(char::is_control), "it says {text:?}");
    let again = probe.to_string();
    ensure!(text == again, "it said {text:?} and then {again:?}");
    Ok(())
}

/// Only a look that blocks does so each time: a busy machine may keep one from its work by chance.
async fn blocks_no_thread(timing: &Timing, probe: &impl Probe) -> Checked {
    let mut shortest = Blocking::FOREVER;
    for _ in 0..3 {
        shortest = shortest.min(Blocking::of(timing, probe).await);
    }
    shortest.ensure_tolerable()
}

async fn looks_again(timing: &Timing, probe: &impl Probe) -> Checked {
    for time in ["first", "second"] {
        value(timing, probe, &format!("the {time} look")).await?;
    }
    Ok(())
}

async fn looks_at_once(timing: &Timing, probe: &impl Probe) -> Checked {
    let (one, other) = join(value(timing, probe, "one"), value(timing, probe, "the other")).await;
    one.and(other)
}

async fn survives_drops(timing: &Timing, probe: &impl Probe) -> Checked {
    for polls in 0..MOST_POLLS {
        let is_over = dropped_after(polls, timing, probe).await;
        value(timing, probe, &format!("the look after one that was dropped after {polls} polls")).await?;
        if is_over {
            break;
        }
    }
    Ok(())
}

async fn notices_silence(timing: &Timing, silent: &impl Probe) -> Checked {
    for time in ["first", "second"] {
        match look(timing, silent).await {
            None => {
                return violated(format!("the {time} look did not end within {:?}", timing.settle_limit()));
            }
            Some(Ok(Reading::Value(value))) => {
                return violated(format!("the {time} look read a value: {value}"));
            }
            Some(Ok(_) | Err(_)) => {}
        }
    }
    Ok(())
}

/// A look that must read a value.
async fn value(timing: &Timing, probe: &impl Probe, which: &str) -> Checked {
    match look(timing, probe).await {
        Some(Ok(Reading::Value(_))) => Ok(()),
        Some(Ok(Reading::NoAnswer(why))) => violated(format!("{which} got no answer: {why}")),
        Some(Ok(other)) => violated(format!("{which} got no value: {other:?}")),
        Some(Err(error)) => violated(format!("{which} failed: {}", error.chain())),
        None => violated(format!("{which} did not end within {:?}", timing.settle_limit())),
    }
}
