use std::{fmt, sync::Arc, time::Duration};

use chaos_core::{Error, Observer, Result, clock::Clock, observer::Activity};
use chaos_notify::{JsonLines, Notifier, metrics::MetricsObserver};
use futures_util::future::join_all;

use crate::monkey::file::MonkeyFile;

/// How long the last messages may take at the end.
const LAST_MESSAGES: Duration = Duration::from_secs(10);

/// Those who are told what the monkey of one file does.
pub(super) struct Listeners {
    notifiers: Vec<Notifier>,
    lines: Vec<JsonLines>,
    observers: Vec<Arc<dyn Observer>>,
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listeners").field("notifiers", &self.notifiers.len()).finish_non_exhaustive()
    }
}

impl Listeners {
    /// Those that `file` names. Connects to nothing.
    pub(super) fn of(file: &MonkeyFile) -> Result<Self> {
        let mut listeners = Self { notifiers: Vec::new(), lines: Vec::new(), observers: Vec::new() };
        listeners.observers.push(Arc::new(MetricsObserver::new()));
        for section in &file.notify {
            let opened = section.channel().map_err(|error| in_section(error, &section.path))?;
            let notifier = Notifier::over(opened.channel, section.settings());
            listeners.lines.extend(opened.lines);
            listeners.observers.push(Arc::new(notifier.clone()));
            listeners.notifiers.push(notifier);
        }
        Ok(listeners)
    }

    /// As observers of a monkey.
    pub(super) fn observers(&self) -> &[Arc<dyn Observer>] {
        &self.observers
    }

    /// Tells what no monkey does.
    pub(super) fn tell(&self, clock: &dyn Clock, activity: &Activity) {
        for observer in &self.observers {
            observer.observe(clock.now(), activity);
        }
    }

    /// Opens files of lines anew, after logrotate has moved them. In a thread: a file may hang.
    pub(super) fn reopen(&self) {
        for lines in self.lines.clone() {
            tokio::task::spawn_blocking(move || {
                if let Err(error) = lines.reopen() {
                    tracing::error!(error = %error.chain(), "a file of lines cannot be opened anew");
                }
            });
        }
    }

    /// Waits for the last messages, and tells how many were not delivered.
    pub(super) async fn flush(&self) {
        let flushed = join_all(self.notifiers.iter().map(|notifier| notifier.flush(LAST_MESSAGES))).await;
        for deliveries in flushed.into_iter().filter(|deliveries| !deliveries.is_complete()) {
            tracing::warn!("not all messages were delivered: {deliveries}");
        }
    }
}

/// The error with the section of the file that it is about.
fn in_section(error: Error, path: &str) -> Error {
    let field = error.field().map(|field| format!("{path}: {field}"));
    match field {
        Some(field) => error.in_field(field),
        None => error.with("notify", path),
    }
}
