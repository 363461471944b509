use std::{
    io,
    os::unix::process::CommandExt,
    process::{Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use chaos_core::{clock::Clock, text::duration_text};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::{
    command_line::CommandLine,
    group::Group,
    guard::{Guard, Mark},
    output::Output,
};
use crate::{
    experiment::ProcessProvider,
    runner::{
        surroundings::Surroundings,
        trouble::{Trouble, TroubleKind},
    },
    substitution::Names,
};

const UNGUARDED: &str = "was not started, because the guard (a shell that ends it if this program is killed) \
    could not be started";

/// How long the rest of a killed group is awaited. Only a kernel that hangs, or a machine on which nobody waits for
/// orphans, takes longer.
const GONE_WITHIN: u32 = 500;
const GONE_EVERY: Duration = Duration::from_millis(2);
/// After so many looks, the processes themselves are looked at.
const LOOKS_FOR_ZOMBIES: u32 = 5;

/// The processes that this program has started and that have not ended.
#[derive(Debug, Default)]
pub(in crate::runner) struct Processes {
    groups: Arc<Groups>,
}

#[derive(Debug, Default)]
struct Groups {
    running: Mutex<Vec<Arc<Group>>>,
    /// Started with the first process.
    guard: OnceCell<Guard>,
}

impl Processes {
    /// Runs a process until it ends.
    pub(in crate::runner) async fn run(
        &self,
        provider: &ProcessProvider,
        names: &Names,
        surroundings: &Surroundings,
        clock: &dyn Clock,
    ) -> Result<Value, Trouble> {
        let line = CommandLine::of(provider, names, surroundings.directory.as_deref())?;
        let trouble = |kind, what: &dyn std::fmt::Display| {
            Trouble::new(kind, format_args!("{:?} {what}", provider.path), names)
        };
        let guard = self.groups.guard.get_or_try_init(|| Guard::start(clock)).await;
        let guard =
            guard.map_err(|error| trouble(TroubleKind::NotStarted, &format_args!("{UNGUARDED}: {error}")))?;
        let mut running = Running::start(&line, surroundings, &self.groups, guard).map_err(|error| {
            trouble(TroubleKind::NotStarted, &format_args!("could not be started: {error}"))
        })?;
        let group = Arc::clone(&running.group);
        let ended = match provider.timeout {
            None => running.ended().await,
            Some(limit) => tokio::select! {
                biased;
                ended = running.ended() => ended,
                () = clock.sleep(limit) => {
                    self.groups.end(&group, clock).await;
                    let what = format!("took longer than {} and was ended", duration_text(limit));
                    return Err(trouble(TroubleKind::TimedOut, &what));
                }
            },
        };
        match ended {
            Ok(_) if group.is_killed() => {
                self.groups.end(&group, clock).await;
                Err(trouble(TroubleKind::Ended, &"was ended together with the run"))
            }
            Ok(output) => Ok(output),
            Err(error) => {
                let what = format!("runs or has run, but its exit status is lost: {error}");
                Err(trouble(TroubleKind::Unknown, &what))
            }
        }
    }

    /// Kills every group and waits until none is left.
    pub(in crate::runner) async fn end_all(&self, clock: &dyn Clock) {
        let groups = self.groups.all();
        for group in &groups {
            group.kill();
        }
        for group in groups {
            self.groups.end(&group, clock).await;
        }
    }
}

impl Groups {
    fn all(&self) -> Vec<Arc<Group>> {
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
    async fn end(&self, group: &Group, clock: &dyn Clock) {
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

fn unguarded(error: io::Error) -> io::Error {
    let what = "the guard (a shell that ends it if this program is killed) has died";
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

/// A group whose leader runs. Dropping it kills the group, unless its leader has ended.
#[derive(Debug)]
struct Running {
    group: Arc<Group>,
    groups: Arc<Groups>,
    stdout: Output,
    stderr: Output,
}

impl Running {
    fn start(
        line: &CommandLine,
        surroundings: &Surroundings,
        groups: &Arc<Groups>,
        guard: &Guard,
    ) -> io::Result<Self> {
        let (stdout, stdout_writer) = Output::new()?;
        let (stderr, stderr_writer) = Output::new()?;
        let mark = Mark::of(&stdout_writer)?;
        let mut command = Command::new(&line.program);
        command.args(&line.arguments).process_group(0);
        command.envs(surroundings.variables.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &surroundings.directory {
            command.current_dir(directory);
        }
        command.stdin(Stdio::null()).stdout(stdout_writer).stderr(stderr_writer);
        guard.starting(mark).map_err(unguarded)?;
        let group = command.spawn().and_then(Group::led_by).inspect_err(|_| guard.not_started(mark))?;
        let group = Arc::new(group);
        groups.add(&group);
        // Dropping it kills the group.
        let running = Self { group, groups: Arc::clone(groups), stdout, stderr };
        guard.started(mark, running.group.id()).map_err(unguarded)?;
        Ok(running)
    }

    /// Waits until the leader has ended, even if other processes still hold its output open.
    async fn ended(&mut self) -> io::Result<Value> {
        let status = tokio::select! {
            biased;
            status = self.group.ended(|| self.groups.remove(&self.group)) => status?,
            never = self.stdout.drain() => match never {},
            never = self.stderr.drain() => match never {},
        };
        let ((stdout, is_cut), (stderr, is_stderr_cut)) = (self.stdout.finish(), self.stderr.finish());
        let mut output = json!({ "status": status, "stdout": stdout, "stderr": stderr });
        if is_cut || is_stderr_cut {
            output["truncated"] = true.into();
        }
        Ok(output)
    }
}

impl Drop for Running {
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
