use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most that is recorded, in bytes.
const MOST: usize = 64 * 1024;

/// The beginning of an answer as it came. The parser makes all names of headers lower-case, and a jsonpath of an
/// experiment asks for them as the server has them.
#[derive(Clone, Debug, Default)]
pub(super) struct Head(Arc<Mutex<Vec<u8>>>);

impl Head {
    /// A name as the server wrote it.
    pub(super) fn as_written(&self, name: &str) -> String {
        let head = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let head = String::from_utf8_lossy(&head);
        let written = last_head(&head).split('\n').find_map(|line| {
            let (written, rest) = line.split_at_checked(name.len())?;
            (written.eq_ignore_ascii_case(name) && rest.starts_with(':')).then_some(written)
        });
        written.unwrap_or(name).to_owned()
    }
}

/// The answer without interim ones, such as `100 Continue`, which have heads of their own.
fn last_head(mut answer: &str) -> &str {
    while let Some((status, _)) = answer.split_once('\n')
        && status.split(' ').nth(1).is_some_and(|code| code.starts_with('1') && !code.starts_with("101"))
    {
        let blank =
            ["\r\n\r\n", "\n\n"].into_iter().filter_map(|blank| Some(answer.find(blank)? + blank.len()));
        let Some(end) = blank.min() else { break };
        answer = &answer[end..];
    }
    answer
}

/// Records the beginning of what is read.
#[derive(Debug)]
pub(super) struct Recorded<S> {
    stream: S,
    head: Head,
}

impl<S> Recorded<S> {
    pub(super) fn new(stream: S) -> (Self, Head) {
        let head = Head::default();
        (Self { stream, head: head.clone() }, head)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Recorded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        let mut head = self.head.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = buffer.filled().get(before..).unwrap_or_default();
        let room = MOST.saturating_sub(head.len());
        head.extend_from_slice(&new[..new.len().min(room)]);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Recorded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
