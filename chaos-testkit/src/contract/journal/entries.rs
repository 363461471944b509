//! Faults to write into a journal, and the steps that every check takes.

use std::time::Duration;

use chaos_core::{
    FaultId, Journal, Result, TargetId,
    fault::{FaultRecord, FaultState, Magnitude, Mark},
    journal::{Arming, Lease, Limits},
    plan::Reason,
    recovery::RecoveryRecord,
};
use jiff::Timestamp;

use crate::report::{Checked, ensure, violated};

/// Text that breaks careless quoting, careless splitting and careless encodings.
pub(super) const HOSTILE: &str =
    "'; DROP TABLE faults; -- \"quoted\" `tick` $(reboot) ${HOME} \\ %s %00 é 日本 \u{1F412} \u{202E}";

/// The fault with this number, armed `number` seconds and a few nanoseconds after a fixed instant of the suite.
pub(super) fn fault(number: u64, target: &str) -> Result<FaultRecord> {
    let target: TargetId = target.parse()?;
    let armed_at = instant(number);
    let mut requested = Magnitude::default();
    requested.set("seconds", 60.0);
    Ok(FaultRecord::armed(
        id(number)?,
        number,
        target,
        "contract-event",
        RecoveryRecord::new("chaos-testkit/none/1", serde_json::json!({ "number": number })),
        requested,
        armed_at,
        later(armed_at, 60),
    ))
}

pub(super) fn id(number: u64) -> Result<FaultId> {
    format!("{number:016x}").parse()
}

/// `seconds` after the suite's fixed instant, with all nine digits of the fraction in use.
pub(super) fn instant(seconds: u64) -> Timestamp {
    later(jiff::Timestamp::UNIX_EPOCH, 1_772_442_000_u64.saturating_add(seconds))
        .checked_add(Duration::from_nanos(123_456_789))
        .unwrap_or(Timestamp::MAX)
}

pub(super) fn later(at: Timestamp, seconds: u64) -> Timestamp {
    at.checked_add(Duration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// Arms `fault`, which no limit may forbid.
pub(super) async fn arm(journal: &impl Journal, fault: &FaultRecord) -> Checked<Lease> {
    arm_within(journal, fault, &Limits::none()).await
}

pub(super) async fn arm_within(
    journal: &impl Journal,
    fault: &FaultRecord,
    limits: &Limits,
) -> Checked<Lease> {
    match journal.arm(fault, limits).await? {
        Arming::Armed(lease) => Ok(lease),
        Arming::Refused(reason) => {
            violated(format!("{} on {} was refused: {reason}", fault.id, fault.target))
        }
    }
}

/// Arms `fault`, which a limit must forbid for this reason, and checks that nothing was recorded.
pub(super) async fn refuse(
    journal: &impl Journal,
    fault: &FaultRecord,
    limits: &Limits,
    expected: Reason,
) -> Checked {
    let before = all(journal).await?;
    match journal.arm(fault, limits).await? {
        Arming::Armed(_) => {
            return violated(format!("{} on {} was armed instead of refused", fault.id, fault.target));
        }
        Arming::Refused(reason) => {
            ensure!(reason == expected, "it was refused as {reason:?} instead of {expected:?}");
        }
    }
    let after = all(journal).await?;
    ensure!(after == before, "a refusal changed the journal from {before:?} to {after:?}");
    Ok(())
}

pub(super) async fn all(journal: &impl Journal) -> Result<Vec<FaultRecord>> {
    Ok(journal.find(&chaos_core::journal::FaultQuery::all()).await?.faults)
}

/// The states to pass through from `Armed` to this one.
pub(super) fn path_to(state: FaultState) -> &'static [FaultState] {
    use FaultState::{Active, Injecting, Recovered, Recovering, RecoveryFailed};
    match state {
        Injecting => &[Injecting],
        Active => &[Injecting, Active],
        Recovering => &[Injecting, Active, Recovering],
        Recovered => &[Injecting, Active, Recovering, Recovered],
        RecoveryFailed => &[Injecting, Active, Recovering, RecoveryFailed],
        _ => &[],
    }
}

/// Arms `fault` and brings it into `state`, a second for each step. Returns it as the journal must hold it now.
pub(super) async fn arm_as(
    journal: &impl Journal,
    fault: &FaultRecord,
    state: FaultState,
) -> Checked<(FaultRecord, Lease)> {
    let lease = arm(journal, fault).await?;
    let mut expected = fault.clone();
    for (step, state) in path_to(state).iter().enumerate() {
        let mark = Mark::new(*state, later(fault.armed_at, step as u64 + 1));
        journal.mark(fault.id, &mark).await?;
        expected.apply(&mark);
    }
    Ok((expected, lease))
}

/// The ids of these faults, in their order.
pub(super) fn ids(faults: &[FaultRecord]) -> Vec<FaultId> {
    faults.iter().map(|fault| fault.id).collect()
}
