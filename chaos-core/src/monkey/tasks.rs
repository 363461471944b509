use std::future::Future;

use tokio::{sync::watch, task::JoinHandle};

/// The guarded tasks of a monkey. They outlive the future that started them, and can be awaited.
#[derive(Debug)]
pub(super) struct Tasks {
    running: watch::Sender<usize>,
}

impl Default for Tasks {
    fn default() -> Self {
        Self { running: watch::Sender::new(0) }
    }
}

impl Tasks {
    pub(super) fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let counted = Counted::begin(self.running.clone());
        let work = async move {
            let _counted = counted;
            task.await
        };
        tokio::spawn(work)
    }

    /// Returns when no task runs.
    pub(super) async fn wait(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.running.subscribe().wait_for(|running| *running == 0).await;
    }
}

/// Counts one task, even if it is dropped half-way.
struct Counted(watch::Sender<usize>);

impl Counted {
    fn begin(running: watch::Sender<usize>) -> Self {
        running.send_modify(|running| *running += 1);
        Self(running)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|running| *running -= 1);
    }
}
