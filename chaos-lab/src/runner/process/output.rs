use std::{
    convert::Infallible,
    io::{self, PipeReader, PipeWriter},
    mem,
    os::fd::OwnedFd,
};

use rustix::io::{Errno, ioctl_fionread, retry_on_intr};
use tokio::net::unix::pipe::Receiver;

/// The most of an output that is kept, in bytes.
const MOST: usize = 1024 * 1024;
/// How much is read at once, in bytes.
const BUFFER: usize = 8 * 1024;

/// What a process prints to a pipe.
#[derive(Debug)]
pub(super) struct Output {
    /// As long as somebody may write to it.
    pipe: Option<Receiver>,
    kept: Vec<u8>,
    is_truncated: bool,
}

impl Output {
    /// A pipe, and its other end, which is for the process.
    pub(super) fn new() -> io::Result<(Self, PipeWriter)> {
        let (reader, writer): (PipeReader, _) = io::pipe()?;
        let pipe = Receiver::from_owned_fd(OwnedFd::from(reader))?;
        Ok((Self { pipe: Some(pipe), kept: Vec::new(), is_truncated: false }, writer))
    }

    /// Reads as long as it is polled, because a process with a full pipe would hang.
    pub(super) async fn drain(&mut self) -> Infallible {
        while let Some(pipe) = &self.pipe {
            let mut buffer = [0; BUFFER];
            let read = match pipe.readable().await {
                Ok(()) => pipe.try_read(&mut buffer),
                Err(error) => Err(error),
            };
            self.keep(&buffer, read);
        }
        std::future::pending().await
    }

    /// What was printed up to now, as a text, and whether it was cut. Other processes may hold the pipe open. What they
    /// print later is not awaited. It is read and dropped, because they would end if nobody could read it.
    pub(super) fn finish(&mut self) -> (String, bool) {
        let there = self.pipe.as_ref().and_then(|pipe| ioctl_fionread(pipe).ok()).unwrap_or(0);
        let mut taken = 0;
        while let Some(pipe) = &self.pipe
            && taken <= there
        {
            let mut buffer = [0; BUFFER];
            // Whatever the runtime has seen. The pipe does not block.
            match retry_on_intr(|| rustix::io::read(pipe, &mut buffer)) {
                Err(Errno::AGAIN) => break,
                read => taken += self.keep(&buffer, read.map_err(io::Error::from)),
            }
        }
        if let Some(pipe) = self.pipe.take() {
            tokio::spawn(discard(pipe));
        }
        let text = String::from_utf8(mem::take(&mut self.kept));
        let text = text.unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        (text, self.is_truncated)
    }

    /// Returns how much was read.
    fn keep(&mut self, buffer: &[u8], read: io::Result<usize>) -> u64 {
        match read {
            Ok(length @ 1..) => {
                let kept = length.min(MOST - self.kept.len());
                self.kept.extend_from_slice(&buffer[..kept]);
                self.is_truncated |= kept < length;
                length as u64
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Ok(_) | Err(_) => {
                self.pipe = None;
                0
            }
        }
    }
}

async fn discard(pipe: Receiver) {
    let mut buffer = [0; 1024];
    while pipe.readable().await.is_ok() {
        match pipe.try_read(&mut buffer) {
            Ok(1..) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(_) | Err(_) => return,
        }
    }
}
