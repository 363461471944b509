use std::{
    io,
    process::{Command, Stdio},
    sync::Arc,
};

use chaos_core::{clock::Clock, text::duration_text};
use serde_json::{Value, json};

use super::{
    command_line::CommandLine,
    groups::{Groups, Led},
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

/// The processes that this program has started and that have not ended.
#[derive(Debug, Default)]
pub(in crate::runner) struct Processes {
    groups: Arc<Groups>,
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
        let guard = self
            .groups
            .guard(clock)
            .await
            .map_err(|error| trouble(TroubleKind::NotStarted, &format_args!("{UNGUARDED}: {error}")))?;
        let mut running = Running::start(&line, surroundings, &self.groups, guard).map_err(|error| {
            trouble(TroubleKind::NotStarted, &format_args!("could not be started: {error}"))
        })?;
        let group = Arc::clone(&running.led.group);
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

/// An activity that runs. Dropping it kills its group, unless the leader of that has ended.
#[derive(Debug)]
struct Running {
    led: Led,
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
        command.args(&line.arguments);
        command.envs(surroundings.variables.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &surroundings.directory {
            command.current_dir(directory);
        }
        command.stdin(Stdio::null()).stdout(stdout_writer).stderr(stderr_writer);
        let led = Led::start(command, groups, guard, mark)?;
        Ok(Self { led, stdout, stderr })
    }

    /// Waits until the leader has ended, even if other processes still hold its output open.
    async fn ended(&mut self) -> io::Result<Value> {
        let status = tokio::select! {
            biased;
            status = self.led.ended() => status?,
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
