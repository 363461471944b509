use std::{collections::VecDeque, future, io};

use tokio::net::unix::pipe;

/// Reads what a replica prints on standard error, and remembers the end of it.
#[derive(Debug)]
pub(crate) struct OutputTail {
    pipe: Option<pipe::Receiver>,
    last: VecDeque<u8>,
}

impl OutputTail {
    /// How much is remembered, in bytes.
    const LENGTH: usize = 4096;

    pub(crate) fn new(pipe: Option<pipe::Receiver>) -> Self {
        Self { pipe, last: VecDeque::new() }
    }

    /// Reads for as long as it is polled: a replica whose pipe is full would hang. Never returns.
    pub(crate) async fn drain(&mut self) {
        while let Some(pipe) = &self.pipe {
            if pipe.readable().await.is_err() || !self.read_available() {
                self.pipe = None;
            }
        }
        future::pending().await
    }

    /// What was printed last, as text in one piece.
    pub(crate) fn text(&mut self) -> String {
        self.read_available();
        let bytes: Vec<u8> = self.last.iter().copied().collect();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }

    /// Returns whether there may be more to come.
    fn read_available(&mut self) -> bool {
        let Some(pipe) = &self.pipe else { return false };
        let mut buffer = [0; Self::LENGTH];
        // Bounded, so that a replica that prints without end leaves time for others.
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
