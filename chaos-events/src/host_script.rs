//! Scripts that run on a target: what all host faults share on this side.

use std::{sync::Arc, time::Duration};

use chaos_core::{Error, ErrorKind, FaultId, Output, Permit, Result, Scope, Script, Shell};
use serde::{Deserialize, Serialize};

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
}

/// From where the preflight looked: who it was, on which machine, in which boot and namespaces. A recovery that looks from elsewhere
/// might see nothing although there is something, so that the script refuses to say so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Vantage(String);

/// What a script answered: names and values, in the order in which they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    event: &'static str,
    lines: Vec<(String, String)>,
}

impl HostFault {
    /// A fault that is being prepared.
    pub(crate) fn prepared(script: HostScript, scope: &Scope) -> Result<Self> {
        let shell = Arc::clone(scope.target()?.capabilities().shell()?);
        Ok(Self { script, shell, fault: scope.fault(), parameters: Vec::new() })
    }

    /// A fault that may be in effect; `None` where its machine exists no more.
    pub(crate) async fn left_behind(
        script: HostScript,
        vantage: &Vantage,
        scope: &Scope,
    ) -> Result<Option<Self>> {
        let shell = scope.fresh_shell().await?;
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

    /// Looks whether the machine can bear it.
    ///
    /// # Errors
    /// `Unsupported` where something is missing there, with the reason.
    pub(crate) async fn preflight(self, scope: &Scope) -> Result<Ready> {
        let answer = self.inspect("preflight").await?;
        let uptime: u64 = answer.parse("uptime")?;
        let boot_id = answer.text("boot_id")?.to_owned();
        // The machine read its uptime before this moment, so that the fault ends early by what the answer took, and never late.
        let hundredths = u64::try_from(scope.remaining().as_millis() / 10).unwrap_or(u64::MAX);
        let ends_at = uptime.saturating_add(hundredths);
        let fault = self.with("boot_id", boot_id).with("ends_at", ends_at).with("at_most", hundredths);
        let vantage = Vantage(answer.text("vantage")?.to_owned());
        Ok(Ready { fault, answer, vantage })
    }

    /// How it stands.
    pub(crate) async fn status(&self) -> Result<Answer> {
        self.inspect("status").await
    }

    /// Ends it. Idempotent, and right where it never began.
    pub(crate) async fn stop(&self, permit: &Permit) -> Result<Answer> {
        let script = self.script("stop", self.script.program)?;
        self.answer("stop", self.shell.run(&script, permit).await?)
    }

    async fn inspect(&self, action: &'static str) -> Result<Answer> {
        let script = self.script(action, self.script.program)?;
        self.answer(action, self.shell.inspect(&script).await?)
    }

    fn script(
        &self,
        action: &'static str,
        source: impl Into<std::borrow::Cow<'static, str>>,
    ) -> Result<Script> {
        let mut script =
            Script::new(source).parameter("action", action)?.parameter("fault", self.fault.to_string())?;
        for (name, value) in &self.parameters {
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
        Err(Error::new(kind, reason.to_owned())
            .with("event", event)
            .with("step", action)
            .with("exit status", output.status))
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
        let script = self.launcher()?.time_limit(permit.remaining().min(limit));
        self.fault.answer("start", self.fault.shell.run(&script, permit).await?)
    }

    /// Starts the program under the fault's mark, so that stop finds a start as well that is still on its way. The mark comes
    /// first in the environment: not every `grep` looks past the first zero byte there.
    fn launcher(&self) -> Result<Script> {
        let mut source = "exec env -i \"CHAOS_FAULT=$fault\" \"PATH=$PATH\" LC_ALL=C".to_owned();
        let names = ["action", "fault", "program"].into_iter();
        for name in names.chain(self.fault.parameters.iter().map(|(name, _)| *name)) {
            source.push_str(&format!(" \"{name}=${name}\""));
        }
        source.push_str(" sh -c \"$program\"");
        let script = self.fault.script("start", source)?.parameter("program", self.fault.script.program)?;
        // Before it has the mark, this is how stop finds it.
        script.parameter("start_of", self.fault.fault.to_string())
    }
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
