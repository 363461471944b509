use std::{
    env,
    io::{self, Write},
};

use chaos_core::{MonkeyBuilder, observer::TracingObserver};
use indicatif::MultiProgress;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// Where log lines go: to standard error, without breaking the live lines that are drawn there.
#[derive(Clone, Debug)]
pub struct LogTo(MultiProgress);

impl LogTo {
    /// Starts the log: warnings and errors, or what `RUST_LOG` says.
    pub fn start(lines: MultiProgress) {
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(!lines.is_hidden())
            .with_writer(Self(lines));
        // A second start in one process, as in a test, leaves the first as it is.
        let _ = log.try_init();
    }
}

/// Logs what the monkey does as well where `RUST_LOG` asks for a log: otherwise the programs show it in their own way.
pub fn observe_if_asked(builder: MonkeyBuilder) -> MonkeyBuilder {
    if env::var_os(EnvFilter::DEFAULT_ENV).is_some() {
        builder.observer(TracingObserver::default())
    } else {
        builder
    }
}

impl Write for LogTo {
    /// Where standard error cannot be written there is nobody left to tell, and whoever is told panics.
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
