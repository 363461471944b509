use std::{
    env,
    io::{self, Write},
};

use chaos_core::{MonkeyBuilder, observer::TracingObserver};
use indicatif::MultiProgress;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// The destination of log lines: standard error, without breaking the live lines there.
#[derive(Clone, Debug)]
pub struct LogTo(MultiProgress);

impl LogTo {
    /// Starts the log: warnings and errors, or as set by `RUST_LOG`.
    pub fn start(lines: MultiProgress) {
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(!lines.is_hidden())
            .with_writer(Self(lines));
        // A second start in one process, as in a test, changes nothing.
        let _ = log.try_init();
    }
}

#[cfg(feature = "service")]
impl LogTo {
    /// Starts the log of a service: from `level` on unless `RUST_LOG` says otherwise, as text or as lines of JSON.
    pub(crate) fn of_service(level: Option<&str>, is_json: bool) {
        let filter =
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level.unwrap_or("info")));
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(Self(MultiProgress::with_draw_target(indicatif::ProgressDrawTarget::hidden())));
        let is_terminal = io::IsTerminal::is_terminal(&io::stderr());
        let _ = if is_json { log.json().try_init() } else { log.with_ansi(is_terminal).try_init() };
    }
}

/// Also logs the monkey's activities if `RUST_LOG` is set: otherwise the programs show them in their own way.
pub fn observe_if_asked(builder: MonkeyBuilder) -> MonkeyBuilder {
    if env::var_os(EnvFilter::DEFAULT_ENV).is_some() {
        builder.observer(TracingObserver::default())
    } else {
        builder
    }
}

impl Write for LogTo {
    /// If standard error cannot be written, an error must not be reported, because reporting it would panic.
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let _ = self.0.suspend(|| io::stderr().write_all(text));
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = io::stderr().flush();
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogTo {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
