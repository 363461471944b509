use std::{
    collections::VecDeque,
    fs::{DirBuilder, File, OpenOptions},
    future, io,
    os::{
        fd::OwnedFd,
        unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    },
    path::Path,
    process::Stdio,
};

use chaos_core::{Error, ErrorKind, Result};
use rustix::fs::OFlags;
use tokio::net::unix::pipe;

use crate::client::scarcity::scarcity;

/// The standard output and standard error of a replica, in order of arrival. The end of it is kept.
#[derive(Debug)]
pub(crate) struct OutputTail {
    from: Source,
    last: VecDeque<u8>,
}

#[derive(Debug)]
enum Source {
    /// Read as long as it is polled.
    Pipe(Option<pipe::Receiver>),
    /// The replica writes by itself, even if this process is frozen; it began at this length.
    File(File, u64),
}

/// The replica's ends.
#[derive(Debug)]
pub(crate) struct Outputs {
    pub(crate) stdout: Stdio,
    pub(crate) stderr: Stdio,
}

impl OutputTail {
    /// How much is kept, in bytes.
    const LENGTH: usize = 4096;

    /// Through a pipe to this process.
    pub(crate) fn piped() -> Result<(Self, Outputs)> {
        let make = || {
            let (reader, writer) = io::pipe()?;
            let tail = Self::new(Source::Pipe(Some(pipe::Receiver::from_owned_fd(reader.into())?)));
            Ok((tail, Outputs { stdout: writer.try_clone()?.into(), stderr: writer.into() }))
        };
        make().map_err(|error: io::Error| {
            let why = scarcity(&error).map(|scarce| format!(" for lack of {scarce}")).unwrap_or_default();
            Error::new(ErrorKind::Unavailable, format!("the output of a replica cannot be read{why}"))
                .caused_by(error)
        })
    }

    /// Appends to a file, which is created if it does not exist, like its directory.
    pub(crate) fn to_file(path: &Path) -> Result<(Self, Outputs)> {
        let make = || {
            if let Some(directory) = path.parent() {
                DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
            }
            let mut options = OpenOptions::new();
            options.create(true).append(true).read(true).mode(0o600);
            // If others may write to the directory, do not follow their links.
            let file = options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(path)?;
            let began_at = file.metadata()?.len();
            let writer = || Ok::<OwnedFd, io::Error>(file.try_clone()?.into());
            let outputs = Outputs { stdout: writer()?.into(), stderr: writer()?.into() };
            Ok((Self::new(Source::File(file, began_at)), outputs))
        };
        make().map_err(|error: io::Error| {
            let path = format!("{:?}", path.display().to_string());
            match scarcity(&error) {
                Some(scarce) => Error::new(
                    ErrorKind::Unavailable,
                    format!("a log cannot be written for lack of {scarce}"),
                )
                .with("log", path),
                None => Error::invalid("log", path, "a file that can be written"),
            }
            .caused_by(error)
        })
    }

    fn new(from: Source) -> Self {
        Self { from, last: VecDeque::new() }
    }

    /// Reads as long as it is polled, because a replica with a full pipe would hang. Never returns.
    pub(crate) async fn drain(&mut self) {
        while let Source::Pipe(Some(pipe)) = &self.from {
            if pipe.readable().await.is_err() || !self.read_available() {
                self.from = Source::Pipe(None);
            }
        }
        future::pending().await
    }

    /// The latest output, as one text.
    pub(crate) fn text(&mut self) -> String {
        self.read_available();
        let bytes: Vec<u8> = self.last.iter().copied().collect();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }

    /// Returns whether there may be more to come.
    fn read_available(&mut self) -> bool {
        let mut buffer = [0; Self::LENGTH];
        let pipe = match &self.from {
            Source::Pipe(Some(pipe)) => pipe,
            Source::Pipe(None) => return false,
            Source::File(file, began_at) => {
                let length = file.metadata().map_or(0, |metadata| metadata.len());
                let from = length.saturating_sub(Self::LENGTH as u64).max(*began_at);
                let read = file.read_at(&mut buffer, from).unwrap_or(0);
                self.last = buffer[..read].iter().copied().collect();
                return true;
            }
        };
        // Reading is bounded, because a replica that prints endlessly must leave time for others.
        for _ in 0..16 {
            match pipe.try_read(&mut buffer) {
                Ok(0) => return false,
                Ok(length) => {
                    self.last.extend(&buffer[..length]);
                    let surplus = self.last.len().saturating_sub(Self::LENGTH);
                    self.last.drain(..surplus);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(_) => return false,
            }
        }
        true
    }
}
