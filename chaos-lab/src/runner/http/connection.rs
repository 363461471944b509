use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use chaos_core::clock::Clock;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, lookup_host},
};

/// What bytes go through, plain or by TLS.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Opens a new connection to the first address that accepts one. What `is_sent_at_once`, in one write, never waits for
/// an acknowledgement.
pub(super) async fn connect(host: &str, port: u16, is_sent_at_once: bool) -> io::Result<TcpStream> {
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in lookup_host((host, port)).await? {
        match TcpStream::connect(address).await {
            // If nothing listens, TCP may connect a socket to itself.
            Ok(stream) if stream.local_addr()? == address => failed = io::ErrorKind::ConnectionRefused.into(),
            Ok(stream) => {
                if !is_sent_at_once {
                    stream.set_nodelay(true)?;
                }
                return Ok(stream);
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// A connection that fails when it is silent for too long.
pub(super) struct Patient {
    stream: TcpStream,
    limit: Option<Duration>,
    clock: Arc<dyn Clock>,
    silence: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Patient {
    pub(super) fn new(stream: TcpStream, limit: Option<Duration>, clock: Arc<dyn Clock>) -> Self {
        Self { stream, limit, clock, silence: None }
    }

    /// Passes on what is ready; otherwise fails if that is so for too long.
    fn or_silence<T>(
        &mut self,
        polled: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        let Some(limit) = self.limit else { return polled };
        let is_ready = polled.is_ready();
        if is_ready && self.silence.is_none() {
            return polled;
        }
        if is_ready {
            // The other direction may still wait, and is not polled again before something happens.
            self.silence = None;
        }
        let clock = &self.clock;
        let silence = self.silence.get_or_insert_with(|| {
            let clock = Arc::clone(clock);
            Box::pin(async move { clock.sleep(limit).await })
        });
        match silence.as_mut().poll(context) {
            _ if is_ready => polled,
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => {
                self.silence = None;
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl fmt::Debug for Patient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patient")
            .field("stream", &self.stream)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.or_silence(polled, context)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.or_silence(polled, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// Does nothing: each connection serves one request and is closed right after it, which tells the same.
    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
