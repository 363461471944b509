//! A monkey that gives way to another one: it begins nothing new, and what it holds goes on.

use std::collections::BTreeSet;

use tokio::sync::{RwLock, RwLockReadGuard, watch};
use tokio_util::sync::CancellationToken;

use crate::group::TargetId;

/// Whether a monkey still begins faults, and which of its faults it lets go of before their time.
#[derive(Debug, Default)]
pub(super) struct Retirement {
    /// Held for reading while a fault is armed.
    gate: RwLock<()>,
    is_retired: CancellationToken,
    let_go: watch::Sender<BTreeSet<TargetId>>,
}

impl Retirement {
    /// Allows one arming, until the guard is dropped. `None` once the monkey is retired.
    pub(super) async fn pass(&self) -> Option<RwLockReadGuard<'_, ()>> {
        let gate = self.gate.read().await;
        (!self.is_retired.is_cancelled()).then_some(gate)
    }

    /// Returns once the monkey is retired.
    pub(super) async fn begun(&self) {
        self.is_retired.cancelled().await;
    }

    pub(super) fn has_begun(&self) -> bool {
        self.is_retired.is_cancelled()
    }

    /// Returns when no fault is being armed, and none will be.
    pub(super) async fn begin(&self) {
        self.is_retired.cancel();
        let _no_arming = self.gate.write().await;
    }

    /// Cuts the hold of every fault on `target` short.
    pub(super) fn let_go_of(&self, target: &TargetId) {
        self.let_go.send_modify(|let_go| {
            let_go.insert(target.clone());
        });
    }

    pub(super) fn let_go(&self) -> watch::Receiver<BTreeSet<TargetId>> {
        self.let_go.subscribe()
    }
}
