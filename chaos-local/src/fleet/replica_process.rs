use std::{fmt, os::fd::AsFd, slice, sync::Arc, time::Duration};

use chaos_core::{Error, ErrorKind, Result, clock::Clock};
use rustix::process::{Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process_group, waitid};

use crate::{
    capability::lifecycle,
    client::{
        health_check::{Finding, HealthCheck},
        process_handle::ProcessHandle,
    },
    fleet::{orders::Orders, output_tail::OutputTail, plan::Plan},
    model::identity::ProcessIdentity,
};

/// How long a replica goes unwatched if this process has run out of descriptors.
const WATCH_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A running replica, child of this process.
#[derive(Debug)]
pub(crate) struct ReplicaProcess {
    handle: Arc<ProcessHandle>,
    output: OutputTail,
}

/// How a replica ended.
#[derive(Debug)]
pub(crate) struct Exit {
    status: Option<WaitIdStatus>,
    /// Its latest output.
    pub(crate) output: String,
}

impl ReplicaProcess {
    pub(crate) fn new(handle: ProcessHandle, output: OutputTail) -> Self {
        Self { handle: Arc::new(handle), output }
    }

    pub(crate) fn identity(&self) -> ProcessIdentity {
        self.handle.identity()
    }

    /// Returns when it has ended.
    ///
    /// Cancel safe.
    pub(crate) async fn ended(&mut self, clock: &dyn Clock) {
        loop {
            tokio::select! {
                biased;
                ended = self.handle.ended() => match ended {
                    Ok(()) => return,
                    Err(error) => {
                        tracing::warn!(error = error.chain(), "a replica is not watched at the moment");
                        clock.sleep(WATCH_AGAIN_AFTER).await;
                    }
                },
                () = self.output.drain() => {}
            }
        }
    }

    /// Returns when the replica passes its health check.
    ///
    /// # Errors
    /// `InvalidInput` if it ends before, `Timeout` if it takes longer than the plan allows.
    pub(crate) async fn healthy(&mut self, plan: &Plan, port: u16) -> Result<()> {
        let (clock, limit, handle) = (plan.clock.as_ref(), plan.start_within, Arc::clone(&self.handle));
        let mut last = None;
        tokio::select! {
            biased;
            () = self.ended(clock) => {
                let exit = self.reap();
                return Err(Error::new(ErrorKind::InvalidInput, "a replica ended before it was healthy")
                    .with("exit", &exit)
                    .with("output", &exit.output));
            }
            healthy = await_healthy(&plan.check, &handle, port, clock, &mut last) => return healthy,
            () = clock.sleep(limit) => {}
        }
        let last = last.unwrap_or_else(|| "no health check has ended".to_owned());
        Err(Error::new(ErrorKind::Timeout, "a replica did not become healthy in time")
            .with("limit", format_args!("{limit:?}"))
            .with("health", last)
            .with("output", self.output.text()))
    }

    /// Ends it, gracefully as long as the orders allow. Returns when nothing of it is left.
    ///
    /// # Errors
    /// If it cannot be signalled or watched. Then it is left as it is.
    pub(crate) async fn end(mut self, orders: &mut Orders, clock: &dyn Clock) -> Result<()> {
        tokio::select! {
            biased;
            () = orders.kill() => {}
            ended = lifecycle::end(slice::from_ref(&self.handle), clock) => ended?,
            () = self.output.drain() => {}
        }
        self.kill().await
    }

    /// Ends it at once. Returns when nothing of it is left.
    ///
    /// # Errors
    /// As [`end`](ReplicaProcess::end).
    pub(crate) async fn kill(mut self) -> Result<()> {
        lifecycle::kill(slice::from_ref(&self.handle)).await?;
        self.reap();
        Ok(())
    }

    /// Removes the rest of a replica that has ended: its entry in the process table, and the processes in its process
    /// group.
    pub(crate) fn reap(&mut self) -> Exit {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        let child = || WaitId::PidFd(self.handle.as_fd());
        // Until it is waited for, the id of the group cannot be reused.
        let is_ours = matches!(waitid(child(), look | WaitIdOptions::NOWAIT), Ok(Some(_)));
        let group = self.handle.identity().raw_pid();
        if let (true, Ok(group)) = (is_ours, group) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let status = waitid(child(), look).ok().flatten();
        Exit { status, output: self.output.text() }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status.as_ref();
        if let Some(code) = status.and_then(WaitIdStatus::exit_status) {
            write!(f, "exit status {code}")
        } else if let Some(signal) = status.and_then(WaitIdStatus::terminating_signal) {
            write!(f, "signal {signal}")
        } else {
            f.write_str("unknown: other code collected its exit status")
        }
    }
}

async fn await_healthy(
    check: &HealthCheck,
    process: &ProcessHandle,
    port: u16,
    clock: &dyn Clock,
    last: &mut Option<String>,
) -> Result<()> {
    if !check.needs_port() {
        // Every program is alive at first. If it ends at once, that should be noticed.
        clock.sleep(Duration::from_millis(100)).await;
    }
    let mut pause = Duration::from_millis(10);
    loop {
        match check.look_at(process, Some(([127, 0, 0, 1], port).into()), clock).await? {
            Finding::Passed => return Ok(()),
            Finding::Failed(reason) => *last = Some(reason),
        }
        clock.sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(200));
    }
}
