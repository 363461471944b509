use std::{
    io::{self, PipeReader, PipeWriter},
    os::fd::OwnedFd,
    path::Path,
    process::Command,
    sync::Arc,
};

use chaos_core::clock::Clock;
use tokio::net::unix::pipe::{Receiver, Sender};

use super::{
    groups::{Groups, Led},
    guard::Mark,
};
use crate::runner::surroundings::Surroundings;

/// A process that this program talks to over pipes as long as it runs. It is in a group of its own, and ends with this
/// program, as an activity does. Dropping it kills the group.
#[derive(Debug)]
pub(in crate::runner) struct Companion {
    led: Led,
}

/// This program's ends of its pipes.
#[derive(Debug)]
pub(in crate::runner) struct Pipes {
    pub(in crate::runner) orders: Sender,
    pub(in crate::runner) answers: Receiver,
    pub(in crate::runner) printed: Receiver,
}

impl Companion {
    /// Starts it.
    pub(in crate::runner) async fn start(
        program: &Path,
        arguments: &[&str],
        surroundings: &Surroundings,
        clock: &dyn Clock,
    ) -> io::Result<(Self, Pipes)> {
        let groups = Arc::new(Groups::default());
        let guard = groups.guard(clock).await?;
        let (input, orders) = io::pipe()?;
        let (answers, output): (PipeReader, PipeWriter) = io::pipe()?;
        let (printed, errors) = io::pipe()?;
        let mark = Mark::of(&output)?;
        let pipes = Pipes {
            orders: Sender::from_owned_fd(OwnedFd::from(orders))?,
            answers: Receiver::from_owned_fd(OwnedFd::from(answers))?,
            printed: Receiver::from_owned_fd(OwnedFd::from(printed))?,
        };
        let mut command = Command::new(program);
        command.args(arguments).stdin(input).stdout(output).stderr(errors);
        command.envs(surroundings.variables.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &surroundings.directory {
            command.current_dir(directory);
        }
        let led = Led::start(command, &groups, guard, mark)?;
        Ok((Self { led }, pipes))
    }

    /// Kills its group. Returns at once.
    pub(in crate::runner) fn kill(&self) {
        self.led.group.kill();
    }

    /// Waits for its end: a status, or the negative number of a signal.
    ///
    /// Cancel safe.
    pub(in crate::runner) async fn ended(&self) -> io::Result<i32> {
        self.led.ended().await
    }

    /// Kills its group and waits until nothing of it is left.
    pub(in crate::runner) async fn end(&self, clock: &dyn Clock) {
        self.led.end(clock).await;
    }
}
