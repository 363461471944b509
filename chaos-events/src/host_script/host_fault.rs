use std::{sync::Arc, time::Duration};

use chaos_core::{
    Error, ErrorKind, FaultId, Permit, RecoveryScope, Result, Scope,
    capability::{Script, Shell},
};

use crate::host_script::{
    answer::Answer,
    script::HostScript,
    told::{Told, hundredths},
    vantage::Vantage,
};

/// The number of orders and looks that a recovery may need.
const ORDERS_OF_A_RECOVERY: u32 = 4;

/// The time limit of a start that has nothing to wait for.
pub(crate) const START_WITHIN: Duration = Duration::from_secs(30);

/// One host fault on the machine that it is, or was, injected into.
#[derive(Clone, Debug)]
pub(crate) struct HostFault {
    script: HostScript,
    shell: Arc<dyn Shell>,
    fault: FaultId,
    parameters: Vec<(&'static str, String)>,
}

/// A host fault that its machine can bear, as far as a look can tell. The next step is [`start`](Ready::start).
#[derive(Debug)]
pub(crate) struct Ready {
    fault: HostFault,
    /// The findings of the preflight.
    pub(crate) answer: Answer,
    /// For the recovery.
    pub(crate) vantage: Vantage,
    told: Told,
}

impl HostFault {
    /// A fault that is being prepared.
    pub(crate) fn prepared(script: HostScript, scope: &Scope) -> Result<Self> {
        let shell = Arc::clone(scope.target().capabilities().shell()?);
        scope.expect_answers_within(shell.answers_within());
        Ok(Self { script, shell, fault: scope.fault(), parameters: Vec::new() })
    }

    /// A fault that may be in effect; `None` if its machine no longer exists.
    pub(crate) async fn left_behind(
        script: HostScript,
        vantage: &Vantage,
        scope: &RecoveryScope,
    ) -> Result<Option<Self>> {
        let shell = scope.remains().await?.shell()?;
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

    /// Checks whether the machine can bear the fault, and measures how long an order takes, including its reply.
    ///
    /// # Errors
    /// `Unsupported` with the reason if something is missing there; `Refused` if a recovery could not give its order
    /// and look within its budget.
    pub(crate) async fn preflight(self, scope: &Scope) -> Result<Ready> {
        let clock = Arc::clone(scope.clock());
        let asked = clock.monotonic();
        let answer = self.inspect("preflight").await?;
        let took = clock.monotonic().saturating_sub(asked);
        scope.expect_answers_within(took);
        if took.saturating_mul(ORDERS_OF_A_RECOVERY) > scope.recovery_budget() {
            let what = "the shell of the target is too slow for the recovery's budget: a recovery gives an order and \
                looks, and may have to do both again; allow more time with `recovery_budget`";
            return Err(Error::new(ErrorKind::Refused, what)
                .with("answered after", format_args!("{took:.1?}"))
                .with("budget", format_args!("{:.1?}", scope.recovery_budget())));
        }
        let told = Told::now(answer.parse("uptime")?, clock);
        let fault = self.with("boot_id", answer.text("boot_id")?);
        let vantage = Vantage(answer.text("vantage")?.to_owned());
        Ok(Ready { fault, answer, vantage, told })
    }

    /// The state of the fault.
    pub(crate) async fn status(&self) -> Result<Answer> {
        self.inspect("status").await
    }

    /// Ends the fault. Idempotent, and right if it never began.
    pub(crate) async fn stop(&self, permit: &Permit) -> Result<Answer> {
        let script = self.script("stop", &[])?;
        Answer::read(self.script.event, "stop", self.shell.run(&script, permit).await?)
    }

    async fn inspect(&self, action: &'static str) -> Result<Answer> {
        let script = self.script(action, &[])?;
        Answer::read(self.script.event, action, self.shell.inspect(&script).await?)
    }

    /// Runs the program under a mark. A look has a mark too: it must find itself, which proves that it finds marked
    /// processes. A start has the mark of the fault, so stop also finds a start that is still on its way. Before the
    /// start has its mark, stop finds it by the first words of this script. The mark is the first variable of the
    /// environment: only this script can have put it there.
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
        let program = [("program", self.script.whole())];
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
}

impl Ready {
    /// Adds a parameter that the preflight has reported.
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
        Answer::read(self.fault.script.event, "start", self.fault.shell.run(&script, permit).await?)
    }
}
