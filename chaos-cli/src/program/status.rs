use std::process::ExitCode;

use chaos_core::{
    Error, ErrorKind, Outcome, RunReport,
    fault::{FaultRecord, FaultState},
    journal::Unreadable,
    plan::{Plan, Reason},
};

use super::{
    error::{ProgramError, complain},
    unanswered::why_unanswered,
};
use crate::table::Table;

/// The result of a program.
pub type ProgramResult = Result<Status, ProgramError>;

/// The exit code of a program. Only this type knows the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "scripts rely on these")]
pub enum Status {
    /// 0: done, and everything that was injected is recovered.
    Done,
    /// 1: with `--compat` alone, what Chaos Toolkit calls a failure.
    AsChaosToolkit,
    /// 2: an argument is invalid. Nothing was done.
    BadArguments,
    /// 3: a safety rule or a doubt forbade it, or it is unknown which targets it would hit. Nothing was injected.
    Skipped,
    /// 4: something was injected and not recovered.
    NotRecovered,
    /// 5: anything else.
    Other,
    /// 6: the hypothesis was wrong: the system was not steady while a fault was in effect, or not steady again in time.
    /// Everything that was injected is recovered.
    Deviated,
    /// 7: the hypothesis was not tested. Everything that was injected is recovered.
    Inconclusive,
}

impl Status {
    /// The number that a shell sees. 1 is left to panics, to cargo and to Chaos Toolkit.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::AsChaosToolkit => 1,
            Self::BadArguments => 2,
            Self::Skipped => 3,
            Self::NotRecovered => 4,
            Self::Other => 5,
            Self::Deviated => 6,
            Self::Inconclusive => 7,
        }
    }

    /// The status after this run.
    // A new outcome is given its code here, not by a wildcard.
    #[deny(clippy::wildcard_enum_match_arm)]
    pub fn of_run(report: &RunReport) -> Self {
        // First of all: a fault of an earlier run that is not back outweighs any result of this run.
        if !report.is_recovered() {
            return Self::NotRecovered;
        }
        match report.outcome() {
            Outcome::DryRun => Self::of_plan(&report.plan),
            Outcome::Completed => Self::Done,
            Outcome::Skipped if report.skipped.iter().any(|skip| is_bad_input(&skip.reason)) => {
                Self::BadArguments
            }
            Outcome::Skipped => Self::Skipped,
            Outcome::Deviated => Self::Deviated,
            Outcome::Inconclusive => Self::Inconclusive,
            Outcome::CutShort | Outcome::NoEffect | Outcome::Failed => Self::Other,
            // Of a later version of chaos-core.
            _ => Self::Other,
        }
    }

    /// The status after this run, if Ctrl-C cut it short: it has not done what was asked for, and has tested nothing.
    pub fn interrupted(self) -> Self {
        match self {
            Self::BadArguments | Self::NotRecovered => self,
            Self::Done
            | Self::AsChaosToolkit
            | Self::Skipped
            | Self::Other
            | Self::Deviated
            | Self::Inconclusive => Self::Other,
        }
    }

    /// The status of a dry run. If it is unknown which targets would be hit, that is not a success.
    pub fn of_plan(plan: &Plan) -> Self {
        if why_unanswered(plan).is_some() { Self::Skipped } else { Self::Done }
    }

    /// The status after a later step. A target that is not back outweighs a later error, which is reported.
    ///
    /// # Errors
    /// The later error, if everything is back.
    pub fn and_then(self, later: Result<(), impl Into<ProgramError>>) -> ProgramResult {
        match later.map_err(Into::into) {
            Ok(()) => Ok(self),
            Err(error) if self == Self::NotRecovered => {
                complain(&error.to_string());
                Ok(self)
            }
            Err(error) => Err(error),
        }
    }

    /// The status after an attempt to recover these.
    pub fn of_recoveries(faults: &[FaultRecord]) -> Self {
        if faults.iter().all(|fault| fault.state == FaultState::Recovered) {
            Self::Done
        } else {
            Self::NotRecovered
        }
    }

    /// The status for this error.
    pub fn of_error(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidInput => Self::BadArguments,
            ErrorKind::Refused => Self::Skipped,
            _ => Self::Other,
        }
    }
}

impl ProgramError {
    /// The exit code for it.
    pub fn status(&self) -> Status {
        Status::of_error(&self.error)
    }
}

/// Whether a target is back, but the journal does not say so, for instance because it was full or is read-only.
pub fn is_unrecorded(fault: &FaultRecord) -> bool {
    let is_of_the_journal = fault.failure.as_ref().is_some_and(|failure| failure.kind == ErrorKind::Journal);
    fault.state == FaultState::Recovering && is_of_the_journal
}

/// The state of a fault, in the words of a table.
pub fn state_text(state: FaultState, is_unrecorded: bool, is_gone: bool) -> String {
    match state {
        // It was not seen to come back.
        FaultState::Recovered if is_gone => "gone".to_owned(),
        _ if is_unrecorded => "back, not recorded".to_owned(),
        state => state.to_string(),
    }
}

/// Entries of a journal that cannot be read, and what to do about them.
pub fn unreadable_table(entries: &[Unreadable]) -> String {
    let mut table = Table::with_headings(["entry", "target", "problem"]);
    for entry in entries {
        let target = entry.target.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        table.row([entry.entry.clone(), target, entry.failure.message.clone()]);
    }
    format!(
        "CANNOT BE READ, and may be pending (the version of the program that wrote it can recover it):\n{table}"
    )
}

/// Whether a target was left alone because the arguments do not fit it.
fn is_bad_input(reason: &Reason) -> bool {
    matches!(reason, Reason::Doubt { failure, .. } if failure.kind == ErrorKind::InvalidInput)
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        status.code().into()
    }
}

#[cfg(test)]
mod tests {
    use chaos_core::{
        BlastRadius, MemoryJournal, Monkey, Registry,
        testing::{ManualClock, MemoryProvider, PowerOff, PowerOn, sample},
    };

    use super::*;

    fn monkey(blast_radius: BlastRadius) -> chaos_core::MonkeyBuilder {
        Monkey::builder()
            .provider(MemoryProvider::default().with_group("web", 5).unwrap())
            .event(PowerOff::default())
            .blast_radius(blast_radius)
            .clock(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()))
    }

    async fn status(builder: chaos_core::MonkeyBuilder) -> u8 {
        Status::of_run(&builder.build().unwrap().run_once().await.unwrap()).code()
    }

    #[tokio::test(start_paused = true)]
    async fn each_outcome_has_its_code() {
        let unleashed = |builder: chaos_core::MonkeyBuilder| {
            builder.unleash(MemoryJournal::new(), Registry::default().register::<PowerOn>())
        };
        let one = BlastRadius::default();
        assert_eq!(status(monkey(one.clone())).await, 0);
        assert_eq!(status(unleashed(monkey(one.clone()))).await, 0);
        assert_eq!(status(unleashed(monkey(one.clone().min_healthy(5)))).await, 3);

        let mut report = unleashed(monkey(one.clone())).build().unwrap().run_once().await.unwrap();
        report.faults[0].failure = Some((&Error::new(ErrorKind::Other, "half-way")).into());
        assert_eq!(Status::of_run(&report).code(), 5, "recovered after a failed injection");
        report.faults[0].state = FaultState::RecoveryFailed;
        assert_eq!(Status::of_run(&report).code(), 4);
        assert_eq!(Status::of_recoveries(&report.faults).code(), 4);
        assert_eq!(Status::of_recoveries(&[]).code(), 0);

        // A fault that an earlier run has left outweighs an error of this one.
        let left = report.faults.pop().unwrap();
        let skip = serde_json::json!({
            "target": left.target, "event": "stop",
            "reason": { "kind": "doubt", "failure": { "kind": "invalid-input", "message": "no such path" } },
        });
        report.skipped.push(serde_json::from_value(skip).unwrap());
        assert_eq!(Status::of_run(&report).code(), 2);
        report.replayed.push(left);
        assert_eq!(Status::of_run(&report).code(), 4);
        let later = || Err::<(), Error>(Error::invalid("--group", "x", "one that exists"));
        assert_eq!(Status::of_run(&report).and_then(later()).unwrap().code(), 4);
        assert_eq!(Status::Done.and_then(later()).unwrap_err().status().code(), 2);
    }

    #[test]
    fn what_the_hypothesis_came_to_has_its_code_unless_something_failed() {
        for (outcome, code) in [
            (Outcome::Completed, 0),
            (Outcome::Skipped, 3),
            (Outcome::CutShort, 5),
            (Outcome::NoEffect, 5),
            (Outcome::Deviated, 6),
            (Outcome::Inconclusive, 7),
        ] {
            let mut report = sample::report(outcome);
            assert_eq!(Status::of_run(&report).code(), code, "{report}");
            assert_eq!(Status::of_run(&report).interrupted().code(), 5, "{report}");
            report.replayed.push(sample::report(Outcome::Failed).faults.remove(0));
            assert_eq!(Status::of_run(&report).code(), 4, "{report}");
            assert_eq!(Status::of_run(&report).interrupted().code(), 4, "{report}");
        }
        let mut report = sample::report(Outcome::Deviated);
        report.faults[0].failure = Some(Error::new(ErrorKind::Other, "half-way").into());
        assert_eq!(Status::of_run(&report).code(), 5, "an injection that failed outranks it: {report}");
        assert_eq!(Status::of_run(&sample::report(Outcome::Failed)).code(), 4);
    }

    #[test]
    fn each_error_has_its_code() {
        assert_eq!(Status::of_error(&Error::invalid("count", 99, "at most 2")).code(), 2);
        assert_eq!(Status::of_error(&Error::new(ErrorKind::Refused, "no")).code(), 3);
        assert_eq!(Status::of_error(&Error::new(ErrorKind::Journal, "disk full")).code(), 5);
    }
}
