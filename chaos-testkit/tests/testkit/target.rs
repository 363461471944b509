//! The suite of targets: sound ones pass, and each check is violated by a liar.

use std::time::Duration;

use crate::support::{
    Coverage, OnResolve,
    equipped::{Lie, subject},
    helpless, paused, relabelled, renamed,
};
use chaos_core::{Capability, Health, Provider, Result, testing::MemoryProvider};
use chaos_testkit::{ContractReport, Subject, Timing, contract};

const ENDED: &str = "terminate ends the target";
const ENDED_TWICE: &str = "terminate may be repeated";
const STOPPED: &str = "stop halts the target";
const STOPPED_TWICE: &str = "stop may be repeated";
const STARTED: &str = "start brings a stopped target back";
const REBOOTED: &str = "reboot brings the target back";
const REBOOTED_TWICE: &str = "reboot may be repeated";
const RESTARTED: &str = "reboot restarts the target";
const ISOLATED: &str = "isolate cuts the target off, and again";
const RESTORED: &str = "restore connects the target, and again";
const CAPABILITIES: &str = "the capabilities are the same at every call";

fn in_memory(provider: impl Provider) -> Result<Subject> {
    Ok(Subject::new(provider, "memory:web/machine-0".parse()?))
}

fn world() -> MemoryProvider {
    MemoryProvider::default().with_group("web", 2).unwrap()
}

/// Real time, for real shells.
fn real() -> Timing {
    Timing::default()
        .settle(Duration::from_secs(3))
        .quiet(Duration::from_millis(20))
        .poll(Duration::from_millis(2))
}

async fn check(lie: Lie) -> ContractReport {
    contract::target::check(&real(), async || subject(lie)).await
}

#[tokio::test(start_paused = true)]
async fn the_machine_in_memory_passes() {
    let report = contract::target::check(&paused(), async || in_memory(world())).await;
    report.assert_kept();
    assert_eq!((report.passed(), report.not_applicable()), (16, 9), "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_can_do_nothing_passes_and_says_what_did_not_apply() {
    let report =
        contract::target::check(&paused(), async || in_memory(crate::support::without_lifecycle(world())))
            .await;
    report.assert_kept();
    assert_eq!((report.passed(), report.not_applicable()), (4, 21), "{report}");
}

/// In real time and with a real `sh`.
#[tokio::test]
async fn every_check_sees_its_liar() {
    let mut coverage = Coverage::of_sound(&check(Lie::None).await);
    for (lie, expected) in [
        (Lie::DeclaresShellAsOperation, &["the lifecycle declares lifecycle operations alone"][..]),
        (Lie::TerminatesOnce, &[ENDED_TWICE]),
        (Lie::StopsOnce, &[STOPPED_TWICE]),
        (Lie::StartsWhatIsStoppedAlone, &["starting what runs changes nothing"]),
        (Lie::RebootsOnce, &[REBOOTED_TWICE]),
        (Lie::RebootsNobody, &[RESTARTED]),
        (Lie::LosesErrors, &["a script's output comes back"]),
        (Lie::AlwaysSucceeds, &["a script that fails is a result"]),
        (Lie::PastesParameters, &["a parameter is no command"]),
        (Lie::RunsForEver, &["a script ends at its time limit"]),
        (Lie::SnapshotIsolates, &["a snapshot changes nothing"]),
        (Lie::IsolatesNobody, &[ISOLATED, RESTORED]),
        (Lie::RestoredInWordsAlone, &[ISOLATED, RESTORED]),
    ] {
        coverage.caught(&format!("{lie:?}"), &check(lie).await, expected);
    }
    for (operation, name) in [
        (Capability::Terminate, "an undeclared terminate is unsupported and changes nothing"),
        (Capability::Stop, "an undeclared stop is unsupported and changes nothing"),
        (Capability::Start, "an undeclared start is unsupported and changes nothing"),
        (Capability::Reboot, "an undeclared reboot is unsupported and changes nothing"),
    ] {
        coverage.caught("works undeclared", &check(Lie::Hides(operation)).await, &[name]);
        coverage.caught(
            "is denied and not unsupported",
            &check(Lie::HidesAndFails(operation)).await,
            &[name],
        );
    }

    // Time is paused from here on, because these liars let every wait run out. A real shell needs real time, so its
    // checks do not count.
    tokio::time::pause();
    let resolving_as =
        async |alter| contract::target::check(&paused(), async || in_memory(OnResolve(world(), alter))).await;
    // A recovery refuses a target under another id, so every operation fails as well.
    coverage.caught_among_others(
        "another id",
        &resolving_as(|target| renamed(target, "memory:web/other")).await,
        &["the id is the same for every handle"],
    );
    coverage.caught("labels", &resolving_as(relabelled).await, &["the labels are the same for every handle"]);
    coverage.caught("capabilities", &resolving_as(helpless).await, &[CAPABILITIES]);
    let unhealthy = contract::target::check(&paused(), async || {
        let world = world();
        world.set_health(&"memory:web/machine-0".parse()?, Health::Unhealthy)?;
        in_memory(world)
    })
    .await;
    assert_eq!(unhealthy.violations().count(), unhealthy.checks.len(), "{unhealthy}");
    coverage.caught_among_others("bad health", &unhealthy, &["the target is healthy at first"]);
    for (lie, expected) in [
        (Lie::TerminatesNobody, &[ENDED, ENDED_TWICE][..]),
        (Lie::StopsNobody, &[STOPPED, STOPPED_TWICE, STARTED]),
        (Lie::StartsNobody, &[STOPPED, STOPPED_TWICE, STARTED]),
        (Lie::RebootsIntoTheVoid, &[REBOOTED, REBOOTED_TWICE, RESTARTED]),
        (Lie::RestoresNobody, &[ISOLATED, RESTORED]),
        (Lie::RestoresOnce, &[RESTORED]),
        (Lie::CapabilitiesChange, &[CAPABILITIES]),
    ] {
        let report = contract::target::check(&paused(), async || subject(lie)).await;
        coverage.caught_among_others(&format!("{lie:?}"), &report, expected);
    }
    coverage.assert_complete();
}
