//! One script, which runs as under the extension `RunCommandLinux`.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::guest::Guest;

/// The number of bytes that are reported, from the end of each output.
const MAX_OUTPUT: u64 = 4096;

/// The pause between the attempts of an agent that cannot talk to Azure.
const RETRY: Duration = Duration::from_millis(20);

/// A script on its way. When this is dropped, a script that has not begun does not begin; a script that has begun is
/// left alone.
#[derive(Debug)]
pub(crate) struct Script {
    directory: PathBuf,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    dropped: AtomicBool,
    outcome: Mutex<Option<Result<(), String>>>,
}

impl Script {
    /// Runs on a thread of its own.
    pub(super) fn bring(
        guest: Arc<Guest>,
        directory: PathBuf,
        text: String,
        after: Duration,
    ) -> io::Result<Self> {
        let state = Arc::new(State::default());
        let script = Self { directory: directory.clone(), state: Arc::clone(&state) };
        std::thread::Builder::new().name("run-command".to_owned()).spawn(move || {
            pause(after);
            if !state.wait_for(&guest) {
                return;
            }
            match guest.start(&directory, &text, || !state.is_dropped()) {
                Ok(Some(mut child)) => {
                    let _ = child.wait();
                    if state.wait_for(&guest) {
                        state.set(Ok(()));
                    }
                }
                Ok(None) => {}
                Err(error) => state.set(Err(error.to_string())),
            }
        })?;
        Ok(script)
    }

    /// `None` until it has ended and Azure knows it; an error if the fake itself could not run it.
    pub(crate) fn outcome(&self) -> Option<Result<(), String>> {
        self.state.outcome.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The report of the extension, which does not contain the script's exit status.
    pub(crate) fn message(&self) -> String {
        format!("Enable succeeded: \n[stdout]\n{}\n[stderr]\n{}", self.tail("stdout"), self.tail("stderr"))
    }

    fn tail(&self, name: &str) -> String {
        let read = || -> io::Result<Vec<u8>> {
            let mut file = File::open(self.directory.join(name))?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(MAX_OUTPUT)))?;
            let mut bytes = Vec::new();
            file.take(MAX_OUTPUT).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        // A script without this file printed nothing.
        String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.state.dropped.store(true, Ordering::Release);
    }
}

impl State {
    fn set(&self, outcome: Result<(), String>) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    }

    fn is_dropped(&self) -> bool {
        self.dropped.load(Ordering::Acquire)
    }

    /// Waits until the agent can talk to Azure; false if nothing waits for the script any longer.
    fn wait_for(&self, guest: &Guest) -> bool {
        while !self.is_dropped() {
            if guest.reaches_azure() {
                return true;
            }
            pause(RETRY);
        }
        false
    }
}

#[expect(clippy::disallowed_methods, reason = "a machine's own time, on a thread that does nothing else")]
fn pause(duration: Duration) {
    std::thread::sleep(duration);
}
