use std::{future::Future, sync::Arc, time::Duration};

use chaos_core::{
    Error, ErrorKind, Journal, Provider, Result,
    clock::{Clock, SystemClock},
    fault::FaultRecord,
    provider::GroupFilter,
};
use futures_util::future::join_all;
use tokio::{sync::watch, task::JoinHandle};

use super::{super::assemble::Assembled, listeners::Listeners};

/// How long a look may take that decides about a hold.
const LIMIT: Duration = Duration::from_secs(10);

/// A monkey that runs as a task, until it is stopped.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) assembled: Assembled,
    /// Those who are told what it does.
    pub(super) listeners: Arc<Listeners>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<()>>,
}

impl Running {
    /// Starts it.
    pub(super) fn start(assembled: Assembled, listeners: Arc<Listeners>) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let monkey = assembled.monkey.clone();
        let task = tokio::spawn(async move {
            let stopped = async move {
                // The sender is dropped if the service is: then it is stopped too.
                let _ = stopped.wait_for(|stopped| *stopped).await;
            };
            monkey.run(stopped).await
        });
        Self { assembled, listeners, stop, task }
    }

    /// Returns if it ends by itself.
    ///
    /// Cancel safe.
    pub(super) async fn ended(&mut self) -> Result<()> {
        match (&mut self.task).await {
            Ok(ended) => ended,
            Err(error) => {
                let what = "the monkey broke down; its faults are recovered by the next one over its journal";
                Err(Error::new(ErrorKind::Panicked, what).caused_by(error))
            }
        }
    }

    /// Cuts its holds short, and waits until everything is recovered.
    pub(super) async fn stop(&self) {
        self.stop.send_replace(true);
        self.assembled.monkey.shutdown().await;
    }

    /// Begins nothing new, if it still did. It goes on to hold what it holds, except for targets that `filter` of the
    /// new file no longer permits. If that cannot be told, it lets go of them too. All of this is a task, since a
    /// provider may hang.
    pub(super) fn retire(&self, filter: &GroupFilter, providers: &[Arc<dyn Provider>]) {
        let (monkey, journal) = (self.assembled.monkey.clone(), self.assembled.journal.clone());
        let (filter, providers, stop) = (filter.clone(), providers.to_vec(), self.stop.clone());
        tokio::spawn(async move {
            monkey.retire().await;
            let Some(journal) = journal else { return };
            match within_limit(journal.pending()).await {
                Ok(pending) => {
                    join_all(pending.faults.iter().map(async |fault| {
                        if !is_permitted(&filter, &providers, fault).await {
                            let target = &fault.target;
                            tracing::warn!(%target, "its hold is cut short: the file no longer permits it");
                            monkey.let_go(target);
                        }
                    }))
                    .await;
                }
                Err(error) => {
                    let error = error.chain();
                    tracing::error!(%error, "the journal cannot be read, so every hold is cut short");
                    stop.send_replace(true);
                }
            }
        });
    }

    /// Whether it has ended.
    pub(super) fn is_over(&self) -> bool {
        self.task.is_finished()
    }
}

/// Whether the target of a fault may still be touched.
async fn is_permitted(filter: &GroupFilter, providers: &[Arc<dyn Provider>], fault: &FaultRecord) -> bool {
    let Some(provider) = providers.iter().find(|provider| provider.scheme() == fault.target.scheme()) else {
        return false;
    };
    match within_limit(provider.group(&fault.group)).await {
        Ok(group) => match group.member(&fault.target) {
            Some(member) => filter.permits(&group, member).is_ok(),
            // It is gone, and so is its fault.
            None => true,
        },
        Err(error) => {
            tracing::warn!(group = %fault.group, error = %error.chain(), "it cannot be told whether it is permitted");
            false
        }
    }
}

/// An error if it takes too long.
async fn within_limit<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let clock = SystemClock::default();
    tokio::select! {
        biased;
        done = work => done,
        () = clock.sleep(LIMIT) => Err(Error::new(ErrorKind::Timeout, "it has not answered in time")),
    }
}
