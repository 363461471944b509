//! Scripts that run on a target: what all host faults share on this side.

use std::{sync::Arc, time::Duration};

use chaos_core::{
    Error, ErrorKind, FaultId, Permit, Result, Scope,
    capability::{Output, Script, Shell},
    clock::Clock,
};
use serde::{Deserialize, Serialize};

/// How many orders and looks a recovery may need.
const ORDERS_OF_A_RECOVERY: u32 = 4;

/// How long a start may take that has nothing to wait for.
pub(crate) const START_WITHIN: Duration = Duration::from_secs(30);

/// The program of one kind of host fault: `scripts/common.sh` followed by a script of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostScript {
    /// For errors: the name of the event.
    pub(crate) event: &'static str,
    pub(crate) program: &'static str,
}

/// One host fault on the machine that it is, or was, injected into.
#[derive(Clone, Debug)]
pub(crate) struct HostFault {
    script: HostScript,
    shell: Arc<dyn Shell>,
    fault: FaultId,
    parameters: Vec<(&'static str, String)>,
}

/// A host fault that its machine can bear, as far as could be seen without touching it. The next step is
/// [`start`](Ready::start).
#[derive(Debug)]
pub(crate) struct Ready {
    fault: HostFault,
    /// What the preflight found.
    pub(crate) answer: Answer,
    /// For the recovery.
    pub(crate) vantage: Vantage,
    told: Told,
}

/// What the machine's uptime was, and when it was told.
#[derive(Debug)]
struct Told {
    /// In hundredths of a second.
    uptime: u64,
    /// Of the injector's clock, when the answer was there.
    at: Duration,
    clock: Arc<dyn Clock>,
}

/// From where the preflight looked: who it was, on which machine, in which boot and namespaces. A recovery that looks
/// from elsewhere might see nothing although there is something, so that the script refuses to say so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Vantage(String);

/// What a script answered: names and values, in the order in which they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    event: &'static str,
    lines: Vec<(String, String)>,
}

impl Vantage {
    /// The number of the user that began the fault. It was told by the machine, and read from a journal.
    pub(crate) fn user(&self) -> Option<u32> {
        self.0.split(' ').nth(4)?.split_once(':')?.0.parse().ok()
    }
}

impl HostFault {
    /// A fault that is being prepared.
    pub(crate) fn prepared(script: HostScript, scope: &Scope) -> Result<Self> {
        let shell = Arc::clone(scope.target()?.capabilities().shell()?);
        scope.expect_answers_within(shell.answers_within());
        Ok(Self { script, shell, fault: scope.fault(), parameters: Vec::new() })
    }

    /// A fault that may be in effect; `None` where its machine exists no more.
    pub(crate) async fn left_behind(
        script: HostScript,
        vantage: &Vantage,
        scope: &Scope,
    ) -> Result<Option<Self>> {
        let shell = scope.fresh_shell().await?;
        if let Some(shell) = &shell {
            scope.expect_answers_within(shell.answers_within());
        }
        let fault = shell.map(|shell| Self { script, shell, fault: scope.fault(), parameters: Vec::new() });
        Ok(fault.map(|fault| fault.with("vantage", &vantage.0)))
    }

    /// Adds a parameter of the script.
    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.parameters.push((name, value.to_string()));
        self
    }

    /// The shell that its scripts run in.
    pub(crate) fn shell(&self) -> &Arc<dyn Shell> {
        &self.shell
    }

    /// Looks whether the machine can bear it, and how long orders take to get there and back.
    ///
    /// # Errors
    /// `Unsupported` where something is missing there, with the reason; `Refused` where a recovery could not be given
    /// and looked at within its budget.
    pub(crate) async fn preflight(self, scope: &Scope) -> Result<Ready> {
        let clock = Arc::clone(scope.clock());
        let asked = clock.monotonic();
        let answer = self.inspect("preflight").await?;
        let took = clock.monotonic().saturating_sub(asked);
        scope.expect_answers_within(took);
        if took.saturating_mul(ORDERS_OF_A_RECOVERY) > scope.recovery_budget() {
            let what = "the shell of the target is too slow for the budget of a recovery, which gives an order, \
                looks, and may have to do both again; allow it more, see `recovery_budget`";
            return Err(Error::new(ErrorKind::Refused, what)
                .with("answered after", format_args!("{took:.1?}"))
                .with("budget", format_args!("{:.1?}", scope.recovery_budget())));
        }
        let told = Told { uptime: answer.parse("uptime")?, at: clock.monotonic(), clock };
        let fault = self.with("boot_id", answer.text("boot_id")?);
        let vantage = Vantage(answer.text("vantage")?.to_owned());
        Ok(Ready { fault, answer, vantage, told })
    }

    /// How it stands.
    pub(crate) async fn status(&self) -> Result<Answer> {
        self.inspect("status").await
    }

    /// Ends it. Idempotent, and right where it never began.
    pub(crate) async fn stop(&self, permit: &Permit) -> Result<Answer> {
        let script = self.script("stop", &[])?;
        self.answer("stop", self.shell.run(&script, permit).await?)
    }

    async fn inspect(&self, action: &'static str) -> Result<Answer> {
        let script = self.script(action, &[])?;
        self.answer(action, self.shell.inspect(&script).await?)
    }

    /// Runs the program under a mark, so that a look can make sure that it finds what is marked: itself. A start has
    /// the mark of the fault, so that stop finds a start as well that is still on its way; before it has the mark, stop
    /// finds it by the first words of this. The mark comes first in the environment, where nothing but this can have
    /// put it.
    fn script(&self, action: &'static str, more: &[(&'static str, String)]) -> Result<Script> {
        let fault = self.fault;
        let missing = if action == "preflight" { 69 } else { 75 };
        let mark = if action == "start" { "CHAOS_FAULT" } else { "CHAOS_LOOK" };
        let mut source = format!(
            ": chaos-{action} {fault}; for name in env sh; do command -v $name >/dev/null 2>&1 || {{ echo \"the \
             command $name is missing\" >&2; exit {missing}; }}; done; exec env -i \"{mark}=$fault\" \"PATH=$PATH\" \
             LC_ALL=C"
        );
        let own = [("action", action.to_owned()), ("fault", fault.to_string())];
        let program = [("program", self.script.program.to_owned())];
        let parameters: Vec<_> = own.iter().chain(&self.parameters).chain(more).chain(&program).collect();
        for (name, _) in &parameters {
            source.push_str(&format!(" \"{name}=${name}\""));
        }
        source.push_str(&format!(" sh -c 'eval \"$program\"' \"chaos-{action}-$fault\""));
        let mut script = Script::new(source);
        for (name, value) in parameters {
            script = script.parameter(name, value)?;
        }
        Ok(script)
    }

    fn answer(&self, action: &'static str, output: Output) -> Result<Answer> {
        let event = self.script.event;
        let reason = output.stderr.trim();
        let reason = if reason.is_empty() { "the script gave no reason" } else { reason };
        let kind = match output.status {
            0 => {
                let lines = output.stdout.lines().filter_map(|line| line.split_once('='));
                let lines = lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                return Ok(Answer { event, lines });
            }
            64 => ErrorKind::InvalidInput,
            69 => ErrorKind::Unsupported,
            75 => ErrorKind::Unavailable,
            77 => ErrorKind::Denied,
            _ => ErrorKind::Other,
        };
        let error = Error::new(kind, reason.to_owned())
            .with("event", event)
            .with("step", action)
            .with("exit status", output.status);
        // The script itself has found that it can never do it from here, as this user.
        Err(if matches!(output.status, 64 | 77) { error.finally() } else { error })
    }
}

impl Ready {
    /// Adds a parameter that the preflight has told.
    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.fault = self.fault.with(name, value);
        self
    }

    /// Begins the fault, within `limit` and before its deadline. When this returns it is in effect.
    ///
    /// Not cancel safe, as [`Shell::run`].
    pub(crate) async fn start(&self, limit: Duration, permit: &Permit) -> Result<Answer> {
        let left = permit.remaining();
        let deadline =
            [("ends_at", self.told.uptime_in(left).to_string()), ("at_most", hundredths(left).to_string())];
        let script = self.fault.script("start", &deadline)?.time_limit(left.min(limit));
        self.fault.answer("start", self.fault.shell.run(&script, permit).await?)
    }
}

impl Told {
    /// What the machine's uptime will be then, in hundredths of a second: too early by what its answer took, and by how
    /// far two clocks may differ, and never too late.
    fn uptime_in(&self, left: Duration) -> u64 {
        let since = self.clock.monotonic().saturating_sub(self.at);
        let since = hundredths(since).saturating_sub(hundredths(since).div_ceil(1_000));
        self.uptime.saturating_add(since).saturating_add(hundredths(left))
    }
}

fn hundredths(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis() / 10).unwrap_or(u64::MAX)
}

impl Answer {
    /// The first value of this name.
    ///
    /// # Errors
    /// Where there is none: what the script did is in doubt.
    pub(crate) fn text(&self, name: &'static str) -> Result<&str> {
        self.all(name).next().ok_or_else(|| self.broken(name, "nothing"))
    }

    /// The first value of this name, as a number.
    ///
    /// # Errors
    /// As [`text`](Answer::text), and where it is no number.
    pub(crate) fn parse<N: std::str::FromStr>(&self, name: &'static str) -> Result<N> {
        let text = self.text(name)?;
        text.parse().map_err(|_| self.broken(name, text))
    }

    /// Every value of this name.
    pub(crate) fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.lines.iter().filter(move |(found, _)| found.as_str() == name).map(|(_, value)| value.as_str())
    }

    /// Reports every note of the script.
    pub(crate) fn tell_notes(&self, scope: &Scope) {
        for note in self.all("note") {
            scope.note(note);
        }
    }

    fn broken(&self, name: &str, found: &str) -> Error {
        Error::new(ErrorKind::Other, "the script on the target did not answer as expected")
            .with("event", self.event)
            .with("expected", name)
            .with("found", format!("{found:?}"))
    }
}

#[cfg(test)]
mod tests {
    use chaos_core::testing::ManualClock;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_counts_from_the_start_and_is_never_late() {
        let clock = Arc::new(ManualClock::starting_at(jiff::Timestamp::UNIX_EPOCH));
        let told = Told { uptime: 1_000, at: clock.monotonic(), clock: clock.clone() };
        assert_eq!(told.uptime_in(Duration::from_secs(30)), 4_000);
        // After an approval that took a while, the whole hold is there still; by a clock that may differ by a
        // thousandth.
        clock.sleep(Duration::from_secs(20)).await;
        assert_eq!(told.uptime_in(Duration::from_secs(30)), 5_998);
        assert_eq!(told.uptime_in(Duration::ZERO), 2_998);
        assert_eq!(told.uptime_in(Duration::MAX), u64::MAX);
    }
}
