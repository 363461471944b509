use std::{io, thread, time::Duration};

use chaos_core::{Error, ErrorKind, GroupId, Result, error::Failure};
use futures_util::future::{join_all, try_join_all};
use tokio::{
    runtime,
    sync::{oneshot, watch},
};

use crate::{
    discovery::{
        fleet_state::{FleetState, ReplicaState, SCHEME, replica_name},
        state_directory::HeldDirectory,
    },
    fleet::{
        back_off::BackOff,
        orders::{Order, Orders},
        plan::Plan,
        replica_process::ReplicaProcess,
        spawner,
    },
};

/// How long the thread waits before it retries to write the state.
const WRITE_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A fleet whose replicas were all healthy.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) id: GroupId,
    pub(crate) state: watch::Receiver<FleetState>,
}

/// The thread of a fleet. It starts all replicas itself, because their parent-death signal is tied to the thread that
/// started them, not to the process. When it ends for any reason, the kernel kills them.
#[derive(Debug)]
pub(crate) struct Supervisor {
    pub(crate) orders: watch::Sender<Order>,
    /// The way in which the fleet ended, set by the thread at its very end.
    pub(crate) ended: watch::Receiver<Option<Result<(), Failure>>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Supervisor {
    /// Starts the thread. The receiver tells whether the fleet started.
    pub(crate) fn start(plan: Plan) -> Result<(Self, oneshot::Receiver<Result<Started>>)> {
        let failed = |error: io::Error| {
            Error::new(ErrorKind::Unavailable, "the fleet's thread cannot be started").caused_by(error)
        };
        let runtime =
            runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(failed)?;
        let (orders, received) = Orders::new();
        let (ended_sender, ended) = watch::channel(None);
        let (started_sender, started) = oneshot::channel();
        let work = move || {
            let outcome = runtime.block_on(run(plan, received, started_sender));
            drop(runtime);
            ended_sender.send_replace(Some(outcome.map_err(|error| Failure::from(&error))));
        };
        let thread = thread::Builder::new().name("chaos-fleet".to_owned()).spawn(work).map_err(failed)?;
        let supervisor = Self { orders, ended, thread: Some(thread) };
        Ok((supervisor, started))
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.orders.send_replace(Order::Kill);
        if let Some(thread) = self.thread.take() {
            // It ends as soon as the kernel has ended the replicas.
            let _ = thread.join();
        }
    }
}

async fn run(plan: Plan, mut orders: Orders, started: oneshot::Sender<Result<Started>>) -> Result<()> {
    let mut processes = Vec::new();
    let bringing_up = async {
        let site = Site::prepare(&plan).await?;
        let healthy = site.bring_up(&plan, &mut processes).await;
        Ok::<_, Error>((site, healthy))
    };
    let brought_up = tokio::select! {
        biased;
        () = orders.end() => Err(Error::new(ErrorKind::Conflict, "the fleet was ended while it started")),
        brought_up = bringing_up => brought_up,
    };
    match brought_up {
        Ok((site, Ok(()))) => {
            // If no caller waits for it any more, the order to end is already there.
            let _ = started.send(Ok(site.started()));
            site.keep(&plan, processes, orders).await
        }
        Ok((site, Err(error))) => {
            end_all(processes).await?;
            site.close();
            let _ = started.send(Err(error));
            Ok(())
        }
        Err(error) => {
            end_all(processes).await?;
            let _ = started.send(Err(error));
            Ok(())
        }
    }
}

/// Ends the replicas of a fleet that did not start, at once.
async fn end_all(processes: Vec<ReplicaProcess>) -> Result<()> {
    try_join_all(processes.into_iter().map(ReplicaProcess::kill)).await?;
    Ok(())
}

/// The public side of a fleet: its id, its ports, and its known state.
#[derive(Debug)]
struct Site {
    id: GroupId,
    directory: Option<HeldDirectory>,
    state: watch::Sender<FleetState>,
}

impl Site {
    async fn prepare(plan: &Plan) -> Result<Self> {
        let ports = plan.choose_ports()?;
        let directory = match &plan.state_directory {
            Some(path) => Some(HeldDirectory::claim(path, plan.clock.as_ref()).await?),
            None => None,
        };
        let id = match &directory {
            Some(held) => held.directory().id()?,
            None => GroupId::new(SCHEME, &plan.name)?,
        };
        let replicas = ports.into_iter().enumerate();
        let replicas = replicas.map(|(index, port)| ReplicaState { index, port, process: None });
        let state = FleetState {
            name: plan.name.clone(),
            desired: plan.replicas,
            health: plan.check.clone(),
            ended: false,
            network_namespace: plan.network_namespace.clone(),
            replicas: replicas.collect(),
        };
        let site = Self { id, directory, state: watch::Sender::new(state) };
        site.write()?;
        Ok(site)
    }

    /// Starts every replica, and adds each to `processes` at once, so none is lost on the way. Returns when all are
    /// healthy.
    async fn bring_up(&self, plan: &Plan, processes: &mut Vec<ReplicaProcess>) -> Result<()> {
        let ports: Vec<u16> = self.state.borrow().replicas.iter().map(|replica| replica.port).collect();
        for (index, port) in ports.iter().enumerate() {
            let process = spawner::spawn(plan, index, *port)?;
            self.publish(index, Some(&process));
            processes.push(process);
        }
        let named = |index: usize, error: Error| {
            error.with("program", format!("{:?}", plan.program)).with("replica", replica_name(index))
        };
        let healthy =
            processes.iter_mut().zip(ports).enumerate().map(|(index, (process, port))| async move {
                process.healthy(plan, port).await.map_err(|error| named(index, error))
            });
        try_join_all(healthy).await?;
        self.write()
    }

    fn started(&self) -> Started {
        Started { id: self.id.clone(), state: self.state.subscribe() }
    }

    /// Restarts replicas that end, until ordered otherwise. Returns when nothing of the fleet is left.
    async fn keep(self, plan: &Plan, processes: Vec<ReplicaProcess>, orders: Orders) -> Result<()> {
        let keepers = processes
            .into_iter()
            .enumerate()
            .map(|(index, process)| self.keep_replica(plan, index, process, orders.clone()));
        let ended = tokio::select! {
            biased;
            ended = join_all(keepers) => ended,
            () = self.record_changes(plan) => Vec::new(),
        };
        self.close();
        ended.into_iter().collect()
    }

    async fn keep_replica(
        &self,
        plan: &Plan,
        index: usize,
        mut process: ReplicaProcess,
        mut orders: Orders,
    ) -> Result<()> {
        let clock = plan.clock.as_ref();
        let port = self.state.borrow().replica(index).map_or(0, |replica| replica.port);
        let mut back_off = BackOff::new();
        loop {
            let began = clock.now();
            tokio::select! {
                biased;
                () = orders.end() => {
                    let ended = process.end(&mut orders, clock).await;
                    self.publish(index, None);
                    return ended;
                }
                () = process.ended(clock) => {}
            }
            let exit = process.reap();
            self.publish(index, None);
            let mut life = Duration::try_from(clock.now().duration_since(began)).unwrap_or_default();
            process = loop {
                let wait = back_off.wait_after(life);
                tracing::info!(group = %self.id, index, %exit, output = exit.output, ?wait, "a replica ended and will \
                    be restarted");
                tokio::select! {
                    biased;
                    () = orders.end() => return Ok(()),
                    () = clock.sleep(wait) => {}
                }
                match spawner::spawn(plan, index, port) {
                    Ok(process) => break process,
                    Err(error) => {
                        tracing::warn!(group = %self.id, index, error = error.chain(), "a replica could not be \
                            restarted");
                        life = Duration::ZERO;
                    }
                }
            };
            self.publish(index, Some(&process));
        }
    }

    fn publish(&self, index: usize, process: Option<&ReplicaProcess>) {
        self.state.send_modify(|state| {
            if let Some(replica) = state.replicas.iter_mut().find(|replica| replica.index == index) {
                replica.process = process.map(ReplicaProcess::identity);
            }
        });
    }

    /// Never returns.
    async fn record_changes(&self, plan: &Plan) {
        let mut changes = self.state.subscribe();
        // The sender is in `self`, so there is always a next change.
        while changes.changed().await.is_ok() {
            while let Err(error) = self.write() {
                tracing::warn!(group = %self.id, error = error.chain(), "the state of the fleet could not be written; \
                    other processes see an older state");
                plan.clock.sleep(WRITE_AGAIN_AFTER).await;
            }
        }
    }

    fn write(&self) -> Result<()> {
        match &self.directory {
            Some(directory) => directory.write(&self.state.borrow()),
            None => Ok(()),
        }
    }

    /// Records that the fleet has ended, and releases its directory.
    fn close(self) {
        self.state.send_modify(|state| {
            state.ended = true;
            state.replicas.clear();
        });
        if let Err(error) = self.write() {
            // The lock, which is released in any case, tells the same.
            tracing::warn!(group = %self.id, error = error.chain(), "the end of the fleet could not be written");
        }
    }
}
