use chaos_core::{Error, Journal, Monkey, Result, TargetId};
use tokio::{sync::watch, task::JoinHandle};

use super::super::assemble::Assembled;

/// A monkey that runs as a task, until it is stopped.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) assembled: Assembled,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<()>>,
}

impl Running {
    /// Starts it.
    pub(super) fn start(assembled: Assembled) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let monkey = assembled.monkey.clone();
        let task = tokio::spawn(async move {
            let stopped = async move {
                // The sender is dropped if the service is: then it is stopped too.
                let _ = stopped.wait_for(|stopped| *stopped).await;
            };
            monkey.run(stopped).await
        });
        Self { assembled, stop, task }
    }

    /// The monkey.
    pub(super) fn monkey(&self) -> &Monkey {
        &self.assembled.monkey
    }

    /// Returns if it ends by itself.
    ///
    /// Cancel safe.
    pub(super) async fn ended(&mut self) -> Result<()> {
        match (&mut self.task).await {
            Ok(ended) => ended,
            Err(error) => {
                let what = "the monkey broke down; its faults are recovered by the next one over its journal";
                Err(Error::new(chaos_core::ErrorKind::Panicked, what).caused_by(error))
            }
        }
    }

    /// Cuts its holds short, and waits until everything is recovered.
    pub(super) async fn stop(&mut self) {
        self.stop.send_replace(true);
        self.assembled.monkey.shutdown().await;
    }

    /// Begins nothing new. It goes on to hold what it holds, without the targets that `is_denied` names.
    pub(super) async fn retire(&self, is_denied: impl Fn(&TargetId) -> bool) {
        self.assembled.monkey.retire().await;
        let Some(journal) = &self.assembled.journal else { return };
        match journal.pending().await {
            Ok(pending) => {
                for fault in pending.faults.iter().filter(|fault| is_denied(&fault.target)) {
                    self.assembled.monkey.let_go(&fault.target);
                }
            }
            // It cannot be told what is denied now.
            Err(error) => {
                tracing::error!(error = %error.chain(), "the journal cannot be read, so every hold is cut short");
                self.stop.send_replace(true);
            }
        }
    }

    /// Whether it has ended.
    pub(super) fn is_over(&self) -> bool {
        self.task.is_finished()
    }
}
