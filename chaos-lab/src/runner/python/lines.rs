use std::io;

use tokio::net::unix::pipe::Receiver;

/// How much is read at once, in bytes.
const BUFFER: usize = 64 * 1024;

/// A pipe that is read in lines.
pub(super) struct Lines {
    /// As long as somebody may write to it.
    pipe: Option<Receiver>,
    pub(super) there: Vec<u8>,
    /// How much of that has no end of a line.
    searched: usize,
}

impl Lines {
    pub(super) fn of(pipe: Receiver) -> Self {
        Self { pipe: Some(pipe), there: Vec::new(), searched: 0 }
    }

    /// Returns when more has come.
    ///
    /// Cancel safe.
    pub(super) async fn more(&mut self) {
        while let Some(pipe) = &self.pipe {
            if pipe.readable().await.is_err() {
                self.pipe = None;
            } else if self.read() {
                return;
            }
        }
        std::future::pending().await
    }

    /// Reads what is there. Whether that was anything.
    pub(super) fn read(&mut self) -> bool {
        let Some(pipe) = &self.pipe else { return false };
        let mut buffer = vec![0; BUFFER];
        match pipe.try_read(&mut buffer) {
            Ok(length @ 1..) => {
                self.there.extend_from_slice(&buffer[..length]);
                return true;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(_) | Err(_) => self.pipe = None,
        }
        false
    }

    /// What is there, which has no end of a line.
    pub(super) fn take(&mut self) -> Vec<u8> {
        self.searched = 0;
        std::mem::take(&mut self.there)
    }

    /// The next whole line, without its end.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        let Some(end) = self.there.iter().skip(self.searched).position(|byte| *byte == b'\n') else {
            self.searched = self.there.len();
            return None;
        };
        let end = self.searched + end;
        self.searched = 0;
        let rest = self.there.split_off(end + 1);
        let mut line = std::mem::replace(&mut self.there, rest);
        line.pop();
        Some(line)
    }
}
