use std::{
    io,
    os::unix::process::CommandExt,
    process::Command,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use chaos_core::clock::Clock;
use tokio::sync::OnceCell;

use super::{
    group::Group,
    guard::{Guard, Mark},
};

/// How long the rest of a killed group is awaited. Only a kernel that hangs, or a machine on which nobody waits for
/// orphans, takes longer.
const GONE_WITHIN: u32 = 500;
const GONE_EVERY: Duration = Duration::from_millis(2);
/// After so many looks, the processes themselves are looked at.
const LOOKS_FOR_ZOMBIES: u32 = 5;

/// The groups that run, and the guard that ends them if this program is killed.
#[derive(Debug, Default)]
pub(super) struct Groups {
    running: Mutex<Vec<Arc<Group>>>,
    /// Started with the first process.
    guard: OnceCell<Guard>,
}

impl Groups {
    pub(super) async fn guard(&self, clock: &dyn Clock) -> io::Result<&Guard> {
        self.guard.get_or_try_init(|| Guard::start(clock)).await
    }

    pub(super) fn all(&self) -> Vec<Arc<Group>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, group: &Arc<Group>) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(group));
    }

    /// Called while the id is still its own, so that nobody who gets it later is killed.
    fn remove(&self, group: &Group) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|known| known.id() != group.id());
        if let Some(guard) = self.guard.get() {
            guard.ended(group.id());
        }
    }

    /// Kills a group and waits until nothing of it is left.
    pub(super) async fn end(&self, group: &Group, clock: &dyn Clock) {
        group.kill();
        let _ = group.ended(|| self.remove(group)).await;
        for look in 0..GONE_WITHIN {
            // Where nobody waits for orphans, they stay as zombies, which do nothing any more.
            if !group.is_left() || (look >= LOOKS_FOR_ZOMBIES && !group.has_living()) {
                return;
            }
            clock.sleep(GONE_EVERY).await;
        }
    }
}

/// A group whose leader runs. Dropping it kills the group, unless its leader has ended.
#[derive(Debug)]
pub(super) struct Led {
    pub(super) group: Arc<Group>,
    groups: Arc<Groups>,
}

impl Led {
    /// Starts a process that leads a group of its own. It holds the pipe of the mark open.
    pub(super) fn start(
        mut command: Command,
        groups: &Arc<Groups>,
        guard: &Guard,
        mark: Mark,
    ) -> io::Result<Self> {
        command.process_group(0);
        guard.starting(mark).map_err(unguarded)?;
        let group = command.spawn().and_then(Group::led_by).inspect_err(|_| guard.not_started(mark))?;
        let group = Arc::new(group);
        groups.add(&group);
        // Dropping it kills the group.
        let led = Self { group, groups: Arc::clone(groups) };
        guard.started(mark, led.group.id()).map_err(unguarded)?;
        Ok(led)
    }

    /// Waits for the end of the leader.
    pub(super) async fn ended(&self) -> io::Result<i32> {
        self.group.ended(|| self.groups.remove(&self.group)).await
    }

    /// Kills the group and waits until nothing of it is left.
    pub(super) async fn end(&self, clock: &dyn Clock) {
        self.groups.end(&self.group, clock).await;
    }
}

fn unguarded(error: io::Error) -> io::Error {
    let what = "the guard (a shell that ends it if this program is killed) has died";
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

impl Drop for Led {
    fn drop(&mut self) {
        if !self.group.kill() {
            return;
        }
        let (group, groups) = (Arc::clone(&self.group), Arc::clone(&self.groups));
        // Not here, because a slow kernel would block a whole runtime, and not in a task, because a runtime that ends
        // drops its tasks.
        let reaper = thread::Builder::new().name("chaos-reaper".to_owned());
        let _ = reaper.spawn(move || group.wait(|| groups.remove(&group)));
    }
}
