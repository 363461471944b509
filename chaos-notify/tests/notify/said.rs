//! Everything that is logged, by `tracing` and by `log`, at every level.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, Once},
};

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

static LOGGED: Mutex<String> = Mutex::new(String::new());
static ONCE: Once = Once::new();

struct ToSaid;

impl log::Log for ToSaid {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let mut logged = LOGGED.lock().unwrap();
        logged.push_str(&format!("{} {}\n", record.target(), record.args()));
    }

    fn flush(&self) {}
}

/// What is said on this thread from now on by `tracing`, and in this process by `log`.
#[derive(Clone, Default)]
pub(crate) struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    pub(crate) fn from_now_on() -> (Self, tracing::subscriber::DefaultGuard) {
        ONCE.call_once(|| {
            log::set_logger(&ToSaid).unwrap();
            log::set_max_level(log::LevelFilter::Trace);
        });
        let said = Self::default();
        let subscriber = tracing_subscriber::fmt().with_env_filter(EnvFilter::new("trace"));
        let subscriber = subscriber.with_ansi(false).with_writer(said.clone()).finish();
        (said, tracing::subscriber::set_default(subscriber))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes().clone()).unwrap() + &LOGGED.lock().unwrap()
    }

    #[track_caller]
    pub(crate) fn assert_is_free_of(&self, secrets: &[&str]) {
        let text = self.text();
        for secret in secrets {
            assert!(!text.contains(secret), "{secret} was said:\n{text}");
        }
    }

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap()
    }
}

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Said {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
