use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use async_trait::async_trait;
use chaos_core::{Error, ErrorKind, Result};
use tokio::sync::oneshot;

use crate::{channel::Channel, message::Message, patience::PATIENCE};

/// Writes each message as one line of JSON ([`Message::to_json`]) to standard output or to a file.
///
/// A line that was cut off, because the disk was full or the process was killed, is ended before the next one begins.
/// If a write fails, it is tried again for ten minutes. A write that hangs, on a pipe that is not read, delays no other
/// part of the program. Clones share the file.
///
/// ```
/// use chaos_notify::{JsonLines, Kind, Notifier, Settings};
///
/// # fn main() -> chaos_core::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("messages.jsonl");
/// let lines = JsonLines::file(&path)?;
/// let notifier = Notifier::over(lines.clone(), Settings::default().least(Kind::Recovered));
/// // After logrotate has moved the file, a new one is opened in its place.
/// lines.reopen()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct JsonLines {
    shared: Arc<Shared>,
}

struct Shared {
    name: String,
    path: Option<PathBuf>,
    /// The file that the next line goes to, if it is another one.
    reopened: Mutex<Option<Output>>,
    /// Held by the thread that writes, for as long as the write takes.
    output: Arc<tokio::sync::Mutex<Output>>,
}

/// Where lines go.
struct Output {
    to: Box<dyn Write + Send>,
    /// Whether the last line may lack its end.
    is_cut_off: bool,
}

impl JsonLines {
    /// Writes to standard output.
    pub fn stdout() -> Self {
        let output = Output { to: Box::new(io::stdout()), is_cut_off: false };
        Self::over("standard output".to_owned(), None, output)
    }

    /// Appends to a file, and makes it if it is not there.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn file(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let output = Output::file(&path)?;
        Ok(Self::over(path.display().to_string(), Some(path), output))
    }

    fn over(name: String, path: Option<PathBuf>, output: Output) -> Self {
        let output = Arc::new(tokio::sync::Mutex::new(output));
        Self { shared: Arc::new(Shared { name, path, reopened: Mutex::default(), output }) }
    }

    /// Opens the file anew: the next line goes to the file that has the name then. It waits for no write. Standard
    /// output stays what it is.
    ///
    /// # Errors
    /// If the file cannot be opened. Lines still go to the former one.
    pub fn reopen(&self) -> Result<()> {
        let Some(path) = &self.shared.path else { return Ok(()) };
        let output = Output::file(path)?;
        *self.shared.reopened.lock().unwrap_or_else(PoisonError::into_inner) = Some(output);
        Ok(())
    }
}

#[async_trait]
impl Channel for JsonLines {
    async fn send(&self, message: &Message) -> Result<()> {
        let mut output = Arc::clone(&self.shared.output).lock_owned().await;
        let reopened = self.shared.reopened.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(reopened) = reopened {
            *output = reopened;
        }
        let line = message.to_json();
        let (done, result) = oneshot::channel();
        // In a thread of its own, which a runtime that ends does not wait for.
        let write = move || {
            let written = output.write(&line);
            drop(output);
            let _ = done.send(written);
        };
        let thread = thread::Builder::new().name("chaos-json-lines".to_owned()).spawn(write);
        let written = match thread {
            Ok(_) => result.await.unwrap_or_else(|_| Err(io::Error::other("the write panicked"))),
            Err(error) => Err(error),
        };
        written.map_err(|error| {
            let what = "a message could not be written";
            Error::new(ErrorKind::Unavailable, what).with("to", self.name()).caused_by(error)
        })
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }

    fn name(&self) -> &str {
        &self.shared.name
    }
}

impl fmt::Debug for JsonLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JsonLines").field(&self.shared.name).finish()
    }
}

impl Output {
    fn file(path: &Path) -> Result<Self> {
        let failed = |error: io::Error| {
            let kind = match error.kind() {
                io::ErrorKind::PermissionDenied => ErrorKind::Denied,
                io::ErrorKind::NotFound => ErrorKind::NotFound,
                _ => ErrorKind::Other,
            };
            let what = "the file for messages cannot be opened to append to it";
            Error::new(kind, what).with("file", path.display()).caused_by(error)
        };
        let file = OpenOptions::new().append(true).create(true).open(path).map_err(failed)?;
        // A device or a pipe has no end to look at. A file that may only be appended to is taken for cut off: an empty
        // line more does no harm.
        let is_file = file.metadata().map_err(failed)?.is_file();
        let is_cut_off = is_file && !ends_with_a_line(path).unwrap_or(false);
        Ok(Self { to: Box::new(file), is_cut_off })
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        let before = if self.is_cut_off { "\n" } else { "" };
        let whole = format!("{before}{line}\n");
        self.is_cut_off = true;
        self.to.write_all(whole.as_bytes())?;
        self.to.flush()?;
        self.is_cut_off = false;
        Ok(())
    }
}

fn ends_with_a_line(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}
