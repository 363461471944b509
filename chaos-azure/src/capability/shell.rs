use std::{
    net::{IpAddr, Ipv4Addr},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use chaos_core::{
    Error, ErrorKind, Permit, Result,
    capability::{NetworkShare, Output, Script, Shell},
};
use serde::Deserialize;

use crate::{
    capability::{
        command_text::{command_lines, output},
        reach::Reach,
    },
    client::arm::{Accepted, Answer, Progress, Wanted},
    model::machine::Power,
};

/// How long Run Command may take besides the script: reaching the agent, and reporting the result.
const DELIVERED_WITHIN: Duration = Duration::from_secs(150);

/// How long Run Command may take for a script that takes no time: tens of seconds are usual, and more than a minute is
/// not unusual. Looks get twice as long.
const ANSWERS_WITHIN: Duration = Duration::from_secs(90);

/// How long to wait for another script on the machine, because only one runs at a time.
const ALONE_WITHIN: Duration = ANSWERS_WITHIN;
const PAUSE: Duration = Duration::from_secs(2);

/// The address from which Azure's agent gets its orders, in every region and cloud, on ports 80 and 32526, see
/// <https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16>.
const PLATFORM: IpAddr = IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16));

/// Runs scripts on a machine through Run Command.
#[derive(Debug)]
pub(crate) struct CommandShell {
    reach: Reach,
    /// Whether the agent was seen ready.
    is_seen: AtomicBool,
}

/// The final answer of Run Command.
#[derive(Debug, Deserialize)]
struct Told {
    value: Vec<Status>,
}

#[derive(Debug, Deserialize)]
struct Status {
    #[serde(default)]
    message: Option<String>,
}

impl CommandShell {
    pub(crate) fn new(reach: Reach) -> Self {
        Self { reach, is_seen: AtomicBool::new(false) }
    }

    /// Checks once whether commands can be sent to the machine.
    async fn preflight(&self) -> Result<()> {
        if self.is_seen.load(Ordering::Relaxed) {
            return Ok(());
        }
        let machine = self.reach.find().await?;
        if machine.is_windows() {
            return Err(Error::unsupported("running a script of `sh` on a machine with Windows"));
        }
        if machine.view.power != Some(Power::Running) {
            return Err(Error::new(
                ErrorKind::Conflict,
                "the machine does not run, so no script can run on it",
            ));
        }
        if !machine.view.is_agent_ready {
            let what = "the agent of Azure on this machine is not ready: Run Command needs it";
            return Err(Error::new(ErrorKind::Unavailable, what));
        }
        self.is_seen.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn execute(&self, script: &Script, permit: Option<&Permit>) -> Result<Output> {
        let lines = command_lines(script)?;
        self.preflight().await?;
        let accepted = match permit {
            None => self.send(lines).await?,
            Some(permit) => permit.in_time(self.send(lines)).await??,
        };
        let patience = script.limit().saturating_add(DELIVERED_WITHIN);
        let arm = &self.reach.azure.arm;
        match arm.follow(accepted, Wanted::Result, arm.after(patience)).await? {
            Progress::Over(answer) => output(&message(&answer)?, script.limit()),
            Progress::UnderWay => {
                let what = "Run Command does not report the outcome of a script; the script may have run";
                Err(Error::new(ErrorKind::Timeout, what).with("waited", format_args!("{patience:?}")))
            }
        }
    }

    /// Sends it when no other script runs. If it is refused because of another one, it was not run.
    async fn send(&self, lines: Vec<String>) -> Result<Accepted> {
        let mut waited = Duration::ZERO;
        loop {
            match self.reach.azure.compute.run_shell_script(&self.reach.place, lines.clone()).await {
                Err(error) if error.kind() == ErrorKind::Conflict && waited < ALONE_WITHIN => {
                    self.reach.azure.clock.sleep(PAUSE).await;
                    waited += PAUSE;
                }
                sent => return sent,
            }
        }
    }
}

fn message(answer: &Answer) -> Result<String> {
    let told: Told = answer.read()?;
    let messages: Vec<String> = told.value.into_iter().filter_map(|status| status.message).collect();
    Ok(messages.join("\n"))
}

#[async_trait]
impl Shell for CommandShell {
    async fn inspect(&self, script: &Script) -> Result<Output> {
        self.execute(script, None).await.map_err(|error| self.reach.named(error))
    }

    async fn run(&self, script: &Script, permit: &Permit) -> Result<Output> {
        let ran = self.execute(script, Some(permit)).await;
        ran.map_err(|error| self.reach.named(error).with("fault", permit.fault()))
    }

    async fn network(&self) -> Result<NetworkShare> {
        self.preflight().await.map_err(|error| self.reach.named(error))?;
        Ok(NetworkShare::Whole)
    }

    fn answers_within(&self) -> Duration {
        ANSWERS_WITHIN
    }

    async fn lifeline(&self) -> Result<Vec<IpAddr>> {
        Ok(vec![PLATFORM])
    }
}
