//! Reports of contract suites.

use std::{any::Any, fmt, future::Future, panic::AssertUnwindSafe};

use chaos_core::Error;
use futures_util::FutureExt;

use crate::Timing;

/// The report of a contract suite: one outcome for each of its checks, in order, none left out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "an unread report proves nothing; call `assert_kept`"]
pub struct ContractReport {
    /// The name of the contract: `target`, `provider` and so on.
    pub contract: &'static str,
    /// Every check of the suite.
    pub checks: Vec<CheckOutcome>,
}

/// One check and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckOutcome {
    /// The demand of the check, in a few words. Stable, so that tests may name it.
    pub name: &'static str,
    /// How it ended.
    pub result: CheckResult,
}

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "kept, broken, or not applicable: there is no fourth way")]
pub enum CheckResult {
    /// The contract is kept.
    Passed,
    /// The contract is broken, in this way.
    Violated(String),
    /// The check does not apply, for this reason.
    NotApplicable(String),
}

impl ContractReport {
    pub(crate) fn new(contract: &'static str) -> Self {
        Self { contract, checks: Vec::new() }
    }

    /// How many checks passed.
    pub fn passed(&self) -> usize {
        self.count(|result| *result == CheckResult::Passed)
    }

    /// How many checks did not apply.
    pub fn not_applicable(&self) -> usize {
        self.count(|result| matches!(result, CheckResult::NotApplicable(_)))
    }

    /// The violated checks, each with its violation.
    pub fn violations(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.checks.iter().filter_map(|check| match &check.result {
            CheckResult::Violated(why) => Some((check.name, why.as_str())),
            _ => None,
        })
    }

    /// The outcome of the check with this name.
    pub fn check(&self, name: &str) -> Option<&CheckResult> {
        self.checks.iter().find(|check| check.name == name).map(|check| &check.result)
    }

    /// For tests: returns if the contract is kept.
    ///
    /// # Panics
    /// If it is broken, with every violation; and if no check passed at all, because that proves nothing.
    #[track_caller]
    #[expect(clippy::panic, reason = "this is how a test fails")]
    pub fn assert_kept(&self) {
        if self.violations().next().is_some() {
            panic!("the contract is broken\n{self}");
        }
        if self.passed() == 0 {
            panic!("no check of the contract applied\n{self}");
        }
    }

    pub(crate) fn add(&mut self, name: &'static str, checked: Checked) {
        let result = match checked {
            Ok(()) => CheckResult::Passed,
            Err(Finding::Violated(why)) => CheckResult::Violated(why),
            Err(Finding::NotApplicable(reason)) => CheckResult::NotApplicable(reason),
        };
        self.checks.push(CheckOutcome { name, result });
    }

    fn count(&self, matches: impl Fn(&CheckResult) -> bool) -> usize {
        self.checks.iter().filter(|check| matches(&check.result)).count()
    }
}

impl fmt::Display for ContractReport {
    /// One line for each check, and the counts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            match &check.result {
                CheckResult::Passed => writeln!(f, "passed: {}", check.name)?,
                CheckResult::Violated(why) => writeln!(f, "VIOLATED: {}: {why}", check.name)?,
                CheckResult::NotApplicable(reason) => {
                    writeln!(f, "not applicable: {}: {reason}", check.name)?;
                }
            }
        }
        write!(
            f,
            "contract of a {}: {} passed, {} violated, {} not applicable",
            self.contract,
            self.passed(),
            self.violations().count(),
            self.not_applicable()
        )
    }
}

/// The result of a check's body.
pub(crate) type Checked<T = ()> = Result<T, Finding>;

/// Why a check did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    Violated(String),
    NotApplicable(String),
}

/// A part must not fail: if a check needs an answer, an error is a violation.
impl From<Error> for Finding {
    fn from(error: Error) -> Self {
        Self::Violated(error.chain())
    }
}

pub(crate) fn violated<T>(why: impl Into<String>) -> Checked<T> {
    Err(Finding::Violated(why.into()))
}

pub(crate) fn not_applicable<T>(reason: impl Into<String>) -> Checked<T> {
    Err(Finding::NotApplicable(reason.into()))
}

/// Ends a check with a violation unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($why:tt)+) => {
        if !$condition {
            return crate::report::violated(format!($($why)+));
        }
    };
}
pub(crate) use ensure;

/// Runs checks one by one. If a check panics or does not end, that is a violation, and the others still run.
#[derive(Debug)]
pub(crate) struct Suite<'a> {
    pub(crate) timing: &'a Timing,
    report: ContractReport,
}

impl<'a> Suite<'a> {
    pub(crate) fn new(contract: &'static str, timing: &'a Timing) -> Self {
        Self { timing, report: ContractReport::new(contract) }
    }

    pub(crate) async fn check(&mut self, name: &'static str, check: impl Future<Output = Checked>) {
        let limit = self.timing.check_limit();
        let contained = AssertUnwindSafe(check).catch_unwind();
        let checked = tokio::select! {
            biased;
            checked = contained => checked.unwrap_or_else(|panic| {
                violated(format!("it panicked: {}", message(panic.as_ref())))
            }),
            () = self.timing.clock().sleep(limit) => violated(format!("it did not end within {limit:?}")),
        };
        self.report.add(name, checked);
    }

    pub(crate) fn report(self) -> ContractReport {
        self.report
    }
}

/// The message of a panic.
pub(crate) fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_check_that_panics_or_hangs_is_a_violation_and_the_others_go_on() {
        let timing = Timing::default();
        let mut suite = Suite::new("target", &timing);
        suite.check("panics", async { panic!("out of cheese") }).await;
        suite.check("hangs", std::future::pending()).await;
        suite.check("passes", async { Ok(()) }).await;
        suite.check("is elsewhere", async { not_applicable("no shell") }).await;
        let report = suite.report();
        assert_eq!(
            report.violations().collect::<Vec<_>>(),
            [("panics", "it panicked: out of cheese"), ("hangs", "it did not end within 153s")]
        );
        assert_eq!((report.passed(), report.not_applicable()), (1, 1));
        assert_eq!(
            report.to_string().lines().last(),
            Some("contract of a target: 1 passed, 2 violated, 1 not applicable")
        );
    }

    #[test]
    #[should_panic(expected = "VIOLATED: is kind: it is not")]
    fn a_broken_contract_panics_with_every_violation() {
        let mut report = ContractReport::new("target");
        report.add("is there", Ok(()));
        report.add("is kind", violated("it is not"));
        report.assert_kept();
    }

    #[test]
    #[should_panic(expected = "no check of the contract applied")]
    fn a_report_in_which_nothing_applied_proves_nothing() {
        let mut report = ContractReport::new("target");
        report.add("is kind", not_applicable("nobody is there"));
        report.assert_kept();
    }
}
