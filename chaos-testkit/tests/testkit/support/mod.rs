//! Proof that a suite sees: every one of its checks is violated by a liar.

pub(crate) mod equipped;
pub(crate) mod lying_journal;
pub(crate) mod remote;
mod targets;
pub(crate) mod world;

pub(crate) use targets::{OnResolve, helpless, relabelled, renamed, without_lifecycle};

use std::collections::BTreeSet;

use chaos_core::testing::ManualClock;
use chaos_testkit::{ContractReport, Timing};

/// Paused time, in which no wait takes any.
pub(crate) fn paused() -> Timing {
    Timing::new(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()))
}

/// The checks of a suite that a liar has violated so far.
#[derive(Debug)]
pub(crate) struct Coverage {
    checks: BTreeSet<&'static str>,
    caught: BTreeSet<&'static str>,
}

impl Coverage {
    /// A sound part passes.
    #[track_caller]
    pub(crate) fn of_sound(report: &ContractReport) -> Self {
        report.assert_kept();
        let checks: BTreeSet<&'static str> = report.checks.iter().map(|check| check.name).collect();
        assert_eq!(checks.len(), report.checks.len(), "two checks have one name\n{report}");
        Self { checks, caught: BTreeSet::new() }
    }

    /// This liar violates exactly these checks.
    #[track_caller]
    pub(crate) fn caught(&mut self, liar: &str, report: &ContractReport, expected: &[&'static str]) {
        let violated = violated(report);
        let expected: BTreeSet<&'static str> = expected.iter().copied().collect();
        assert_eq!(violated, expected, "{liar}\n{report}");
        self.caught.extend(violated);
    }

    /// This lie is so basic that it violates these checks and others.
    #[track_caller]
    pub(crate) fn caught_among_others(
        &mut self,
        liar: &str,
        report: &ContractReport,
        expected: &[&'static str],
    ) {
        let violated = violated(report);
        for name in expected {
            assert!(violated.contains(name), "{liar}: {name}\n{report}");
            self.caught.insert(name);
        }
    }

    /// No check was left without a liar.
    #[track_caller]
    pub(crate) fn assert_complete(&self) {
        let never: Vec<_> = self.checks.difference(&self.caught).collect();
        assert!(never.is_empty(), "no liar has violated these checks: {never:#?}");
    }
}

fn violated(report: &ContractReport) -> BTreeSet<&'static str> {
    report.violations().map(|(name, _)| name).collect()
}
