//! A terminal, and a person at it.

use std::{
    fs::{File, OpenOptions},
    os::fd::{AsFd, OwnedFd},
    process::Stdio,
};

use rustix::{
    process::Signal,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
};

use super::{CHAOS, DRILL, Ended, command, end, send, within_limit};

/// A drill whose standard input and error are a terminal.
pub(crate) struct OnTerminal {
    drill: Child,
    input: tokio::fs::File,
    output: tokio::fs::File,
    pub(crate) seen: String,
}

impl OnTerminal {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::of(command(DRILL, arguments))
    }

    pub(crate) fn of(mut drill: Command) -> Self {
        // No child of another test keeps the terminal open.
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let controller = openpt(flags).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap().into_string().unwrap();
        let terminal = OpenOptions::new().read(true).write(true).open(name).unwrap();
        let side = |terminal: &File| Stdio::from(terminal.try_clone().unwrap());
        let drill = drill.stdin(side(&terminal)).stderr(side(&terminal)).spawn().unwrap();
        let file = |fd: OwnedFd| tokio::fs::File::from_std(File::from(fd));
        let input = file(controller.as_fd().try_clone_to_owned().unwrap());
        Self { drill, input, output: file(controller), seen: String::new() }
    }

    /// A drill whose session ends with its terminal, like one that was started from a shell.
    pub(crate) fn with_session(starter: &[&str], arguments: &[String]) -> Self {
        let words = ["--ctty"].iter().chain(starter).map(ToString::to_string);
        Self::of(command(
            "setsid",
            words.chain([CHAOS.to_owned(), DRILL.to_owned()]).chain(arguments.iter().cloned()),
        ))
    }

    /// Closes the terminal, like a person who closes its window or loses the connection.
    pub(crate) fn hangs_up(self) -> Child {
        self.drill
    }

    pub(crate) async fn is_asked(&mut self, question: &str) {
        let reading = async {
            while !self.seen.contains(question) {
                let mut text = [0; 4096];
                let length = self.output.read(&mut text).await.unwrap_or(0);
                assert!(length > 0, "it was not asked {question:?}: {}", self.seen);
                self.seen.push_str(&String::from_utf8_lossy(&text[..length]));
            }
        };
        within_limit(reading).await;
    }

    pub(crate) async fn answers(&mut self, answer: &str) {
        self.seen.clear();
        self.input.write_all(format!("{answer}\n").as_bytes()).await.unwrap();
        self.input.flush().await.unwrap();
    }

    /// Sends Ctrl-D at the beginning of a line.
    pub(crate) async fn ends_the_input(&mut self) {
        self.seen.clear();
        self.input.write_all(b"\x04").await.unwrap();
        self.input.flush().await.unwrap();
    }

    pub(crate) fn interrupt(&self) {
        send(self.drill.id().unwrap(), Signal::INT);
    }

    /// Reads on, so that the drill is never kept from writing. Returns its exit status and its last output in one
    /// piece: the lines that stay.
    pub(crate) async fn end_with_last_lines(self) -> (Ended, String) {
        let mut output = self.output;
        let reading = tokio::spawn(async move {
            let (mut text, mut seen) = ([0; 4096], self.seen);
            while let Ok(length @ 1..) = output.read(&mut text).await {
                seen.push_str(&String::from_utf8_lossy(&text[..length]));
            }
            seen
        });
        let ended = end(self.drill).await;
        let seen = within_limit(reading).await.unwrap();
        let cleared = "\x1b[2K";
        (ended, seen.rsplit(cleared).next().unwrap().to_owned())
    }

    pub(crate) async fn end(self) -> Ended {
        self.end_with_last_lines().await.0
    }
}
