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

use super::{command_line::CommandLine, group::Group, output::Output};
use crate::{
    experiment::ProcessProvider,
    runner::trouble::{Trouble, TroubleKind},
    substitution::Names,
};

/// How long the rest of a killed group is awaited. Only a kernel that hangs, or a machine on which nobody waits for
/// orphans, takes longer.
const GONE_WITHIN: u32 = 500;
const GONE_EVERY: Duration = Duration::from_millis(2);

/// The processes that this program has started and that have not ended.
#[derive(Debug, Default)]
pub(in crate::runner) struct Processes {
    groups: Arc<Groups>,
}

#[derive(Debug, Default)]
struct Groups {
    running: Mutex<Vec<Arc<Group>>>,
}

impl Processes {
    /// Runs a process until it ends.
    pub(in crate::runner) async fn run(
        &self,
        provider: &ProcessProvider,
        names: &Names,
        clock: &dyn Clock,
    ) -> Result<Value, Trouble> {
        let line = CommandLine::of(provider, names)?;
        let trouble = |kind, what: &dyn std::fmt::Display| {
            Trouble::new(kind, format_args!("{:?} {what}", provider.path), names)
        };
        let mut running = Running::start(&line, &self.groups).map_err(|error| {
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

    /// Called while the id is still its own.
    fn remove(&self, group: &Group) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|known| known.id() != group.id());
    }

    /// Kills a group and waits until nothing of it is left.
    async fn end(&self, group: &Group, clock: &dyn Clock) {
        group.kill();
        let _ = group.ended(|| self.remove(group)).await;
        for _ in 0..GONE_WITHIN {
            if !group.is_left() {
                return;
            }
            clock.sleep(GONE_EVERY).await;
        }
    }
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
    fn start(line: &CommandLine, groups: &Arc<Groups>) -> io::Result<Self> {
        let (stdout, stdout_writer) = Output::new()?;
        let (stderr, stderr_writer) = Output::new()?;
        let mut command = Command::new(&line.program);
        command.args(&line.arguments).process_group(0);
        command.stdin(Stdio::null()).stdout(stdout_writer).stderr(stderr_writer);
        let group = Arc::new(Group::led_by(command.spawn()?)?);
        groups.add(&group);
        Ok(Self { group, groups: Arc::clone(groups), stdout, stderr })
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
