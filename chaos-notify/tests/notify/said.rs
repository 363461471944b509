//! Everything that is logged in this process, by `tracing` and by `log`, at every level.

use std::{
    io::{self, Write},
    sync::{Mutex, Once},
};

use tracing_subscriber::EnvFilter;

static SAID: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static ONCE: Once = Once::new();

struct ToSaid;

impl log::Log for ToSaid {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{} {}\n", record.target(), record.args());
        SAID.lock().unwrap().extend_from_slice(line.as_bytes());
    }

    fn flush(&self) {}
}

impl Write for ToSaid {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        SAID.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps what is said from now on. By all threads: `tracing` may ask one that has no subscriber of its own whether an
/// event is of interest, and believes it for the others.
pub(crate) fn listen() {
    ONCE.call_once(|| {
        log::set_logger(&ToSaid).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
        let subscriber = tracing_subscriber::fmt().with_env_filter(EnvFilter::new("trace"));
        let subscriber = subscriber.with_ansi(false).with_writer(|| ToSaid).finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

pub(crate) fn text() -> String {
    String::from_utf8_lossy(&SAID.lock().unwrap()).into_owned()
}

/// The lines about something.
pub(crate) fn lines_with(words: &str) -> String {
    text().lines().filter(|line| line.contains(words)).collect::<Vec<_>>().join("\n")
}

#[track_caller]
pub(crate) fn assert_is_free_of(secrets: &[&str]) {
    let text = text();
    for secret in secrets {
        let lines: Vec<&str> = text.lines().filter(|line| line.contains(secret)).collect();
        assert!(lines.is_empty(), "{secret} was said: {lines:?}");
    }
}
