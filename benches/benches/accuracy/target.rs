//! One process as a target, a monkey for it, and the monkey's activities.

use std::{cell::Cell, fs, process::Command, rc::Rc, sync::Arc};

use chaos_core::{
    BlastRadius, FaultId, MemoryJournal, Monkey, Observer, Provider, TargetId, observer::Activity,
};
use chaos_local::Processes;
use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::processes::{Owned, until_found};

#[derive(Debug)]
pub(crate) struct OneTarget {
    pub(crate) monkey: Monkey,
    pub(crate) id: TargetId,
    /// The fault that was armed last, once `next` has returned its arming.
    pub(crate) fault: Rc<Cell<Option<FaultId>>>,
    activities: mpsc::UnboundedReceiver<(Timestamp, Activity)>,
    _process: Owned,
}

#[derive(Debug)]
struct Tell(mpsc::UnboundedSender<(Timestamp, Activity)>);

impl Observer for Tell {
    fn observe(&self, at: Timestamp, activity: &Activity) {
        // The receiver may be gone.
        let _ = self.0.send((at, activity.clone()));
    }
}

impl OneTarget {
    /// A process on this machine.
    pub(crate) async fn here() -> Self {
        Self::of(Owned::idle()).await
    }

    /// A process in this network namespace.
    pub(crate) async fn within(namespace: &str) -> Self {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", namespace, "sleep", "100000"]);
        let process = Owned::start(&mut command);
        let network_of = |process: &str| fs::read_link(format!("/proc/{process}/ns/net")).ok();
        let pid = process.0.id().to_string();
        until_found("a process in its namespace", || {
            network_of(&pid).filter(|network| Some(network) != network_of("self").as_ref())
        })
        .await;
        Self::of(process).await
    }

    async fn of(process: Owned) -> Self {
        let provider = Arc::new(Processes::adopt("accuracy", [&process.0]).unwrap());
        let id = provider.group(provider.id()).await.unwrap().members[0].target.id().clone();
        let (tell, activities) = mpsc::unbounded_channel();
        let monkey = Monkey::builder()
            .provider(provider)
            .blast_radius(BlastRadius::default().min_healthy(0))
            .observer(Tell(tell))
            .unleash(MemoryJournal::new(), chaos_events::registry())
            .build()
            .unwrap();
        Self { monkey, id, fault: Rc::default(), activities, _process: process }
    }

    /// Waits for the next activity of this kind. Returns when it happened.
    pub(crate) async fn next(&mut self, is_it: impl Fn(&Activity) -> bool) -> Timestamp {
        loop {
            let (at, activity) = self.activities.recv().await.unwrap();
            if let Activity::Armed { fault, .. } = &activity {
                self.fault.set(Some(fault.id));
            }
            if is_it(&activity) {
                return at;
            }
        }
    }
}
