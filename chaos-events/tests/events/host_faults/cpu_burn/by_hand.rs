//! The orders of one burn, as the event gives them, carried out without it.

use std::{
    fs,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use chaos_core::{
    capability::{Output, Script},
    clock::{Clock, SystemClock},
};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::process::Command;

use crate::host_faults::machine::{Machine, Tools};

/// One fault on this machine, which burns one core.
#[derive(Debug)]
pub(crate) struct ByHand {
    pub(crate) fault: String,
    tools: Arc<Tools>,
    orders: Arc<Vec<Script>>,
    parameters: Vec<(&'static str, String)>,
    /// In seconds of uptime.
    ends_at: f64,
}

impl ByHand {
    /// Until `duration` from now.
    pub(crate) async fn lasting(tools: Tools, duration: Duration) -> Self {
        Self::recorded(Tools::of_debian(), tools, duration).await
    }

    /// The same, as given and carried out by way of these tools.
    pub(crate) async fn recorded_in(tools: Tools, duration: Duration) -> Self {
        Self::recorded(tools.copy(), tools, duration).await
    }

    async fn recorded(by: Tools, tools: Tools, duration: Duration) -> Self {
        let machine = Machine::with(by);
        let burn = super::burn(20.0, Duration::from_secs(2));
        let report = machine.monkey().inject(burn, &machine.id()).await.unwrap();
        assert_eq!(machine.ran().len(), 2, "a start and a stop: {report}");
        Self::new(Arc::new(tools), Arc::new(machine.ran()), duration)
    }

    /// Another one, from now on.
    pub(crate) fn again(&self, duration: Duration) -> Self {
        Self::new(Arc::clone(&self.tools), Arc::clone(&self.orders), duration)
    }

    fn new(tools: Arc<Tools>, orders: Arc<Vec<Script>>, duration: Duration) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let fault = format!("{:08x}{:08x}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let ends_at = uptime() + duration.as_secs_f64();
        let parameters = vec![
            ("fault", fault.clone()),
            ("ends_at", format!("{:.0}", ends_at * 100.0)),
            ("at_most", format!("{:.0}", duration.as_secs_f64() * 100.0 + 2.0)),
        ];
        Self { fault, tools, orders, parameters, ends_at }
    }

    /// With another value of a parameter.
    pub(crate) fn with(&self, name: &'static str, value: &str) -> Self {
        let mut other = self.again(Duration::from_secs(60));
        other.parameters.push((name, value.to_owned()));
        other
    }

    /// The same fault, looked at with other tools.
    pub(crate) fn with_tools(&self, tools: Tools) -> Self {
        let (fault, orders) = (self.fault.clone(), Arc::clone(&self.orders));
        Self {
            fault,
            tools: Arc::new(tools),
            orders,
            parameters: self.parameters.clone(),
            ends_at: self.ends_at,
        }
    }

    fn command(&self, action: &str) -> Command {
        // A status is a stop that only looks.
        let order = if action == "status" { "stop" } else { action };
        let is_it = |script: &&Script| script.parameters().any(|named| named == ("action", order));
        let script = self.orders.iter().find(is_it).unwrap();
        let action = ("action", action);
        let mut command = Command::new(self.tools.way_in());
        // Its text begins with the id.
        let (_, fault) = script.parameters().find(|(name, _)| *name == "fault").unwrap();
        let source = script.source().replace(fault, &self.fault);
        command.args(["-c", &source]).env_clear().env("PATH", self.tools.path());
        // Its own values for the parameters that this order has.
        let own = |name: &str| {
            self.parameters.iter().rfind(|(own, _)| *own == name).map(|(_, value)| value.as_str())
        };
        command.envs(script.parameters().map(|(name, value)| (name, own(name).unwrap_or(value))));
        command.env(action.0, action.1);
        command.stdin(Stdio::null()).process_group(0);
        command
    }

    pub(crate) async fn run(&self, action: &str) -> Output {
        let output = self.command(action).output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Output::new(output.status.code().unwrap_or(137), text(output.stdout), text(output.stderr))
    }

    pub(crate) async fn succeeds(&self, action: &str) -> Output {
        let answer = self.run(action).await;
        assert_eq!(answer.status, 0, "{action}: {answer:?}");
        answer
    }

    /// A number that it answers.
    pub(crate) async fn number(&self, action: &str, name: &str) -> u64 {
        let answer = self.succeeds(action).await;
        let value = answer.stdout.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_else(|| panic!("no {name} in {answer:?}")).parse().unwrap()
    }

    /// A start that is killed at this moment, alone or with its group.
    pub(crate) async fn killed(&self, moment: Duration, is_group: bool) {
        let mut start = self.command("start").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        SystemClock::default().sleep(moment).await;
        // It was not waited for yet, so the number is still its own.
        let pid = Pid::from_raw(start.id().unwrap().try_into().unwrap()).unwrap();
        if is_group { kill_process_group(pid, Signal::KILL) } else { kill_process(pid, Signal::KILL) }
            .unwrap();
        start.wait().await.unwrap();
    }

    /// How long ago its deadline was.
    pub(crate) fn late(&self) -> Duration {
        Duration::from_secs_f64((uptime() - self.ends_at).max(0.0))
    }
}

fn uptime() -> f64 {
    let uptime = fs::read_to_string("/proc/uptime").unwrap();
    uptime.split_whitespace().next().unwrap().parse().unwrap()
}
