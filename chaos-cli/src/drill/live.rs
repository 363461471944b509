use std::{
    io::{self, IsTerminal, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chaos_core::text::escaped;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::program::{escaped_lines, lines_on_stderr};

/// Standard error, with a line for each phase. On a terminal, the line is redrawn while the phase lasts. Otherwise it
/// is written once the phase is over.
#[derive(Clone, Debug)]
pub(super) struct Live {
    lines: MultiProgress,
    is_terminal: bool,
    /// Whether a phase stands below all others.
    has_last: Arc<AtomicBool>,
}

/// The style of a line about a failure.
const FAILED: &str = "{prefix:>12.red.bold} {msg}";

/// A phase in progress.
#[derive(Debug)]
pub(super) struct Phase {
    name: &'static str,
    live: Live,
    bar: Option<ProgressBar>,
}

impl Live {
    pub(super) fn on_stderr() -> Self {
        Self { lines: lines_on_stderr(), is_terminal: io::stderr().is_terminal(), has_last: Arc::default() }
    }

    /// The lines for the log, which must not write across them.
    pub(super) fn lines(&self) -> MultiProgress {
        self.lines.clone()
    }

    /// Whether a person can be asked.
    pub(super) fn can_ask(&self) -> bool {
        self.is_terminal && io::stdin().is_terminal()
    }

    /// Begins a phase.
    pub(super) fn begin(&self, name: &'static str, text: impl Into<String>) -> Phase {
        let above = usize::from(self.has_last.load(Ordering::Relaxed));
        self.begin_at(above, name, text.into())
    }

    /// Begins a phase that stays below all others. There can be one.
    pub(super) fn begin_last(&self, name: &'static str, text: impl Into<String>) -> Phase {
        let phase = self.begin_at(0, name, text.into());
        self.has_last.store(true, Ordering::Relaxed);
        phase
    }

    /// `above`: how many lines stay below it.
    fn begin_at(&self, above: usize, name: &'static str, text: String) -> Phase {
        let bar = self.is_terminal.then(|| self.lines.insert_from_back(above, spinner(name, text)));
        Phase { name, live: self.clone(), bar }
    }

    /// Shows a phase that is already over.
    pub(super) fn done(&self, name: &'static str, text: impl Into<String>) {
        self.begin(name, "").done(text);
    }

    /// Shows a failed phase.
    pub(super) fn failed(&self, name: &'static str, text: impl Into<String>) {
        self.begin(name, "").failed(text);
    }

    /// Shows instructions for a person, of several lines.
    pub(super) fn by_hand(&self, text: &str) {
        self.begin("by hand", "").end(FAILED, escaped_lines(text));
    }

    /// Writes a line like that of a phase, once. A redrawn line would stand in the way of a question.
    pub(super) fn head(&self, name: &str, text: &str) {
        self.say(&format!("{name:>12} {}", escaped(text)));
    }

    /// Writes `text` above the lines, unchanged.
    pub(super) fn say(&self, text: &str) {
        self.lines.suspend(|| write_line(text));
    }
}

impl Phase {
    /// Shows a phase that is already over, above this one.
    pub(super) fn preceded_by(&self, name: &'static str, text: impl Into<String>) {
        let bar =
            self.bar.as_ref().map(|bar| self.live.lines.insert_before(bar, spinner(name, String::new())));
        Phase { name, live: self.live.clone(), bar }.done(text);
    }

    /// Shows, above this phase, a failure that does not end it.
    pub(super) fn preceded_by_failure(&self, name: &'static str, text: impl Into<String>) {
        let bar =
            self.bar.as_ref().map(|bar| self.live.lines.insert_before(bar, spinner(name, String::new())));
        Phase { name, live: self.live.clone(), bar }.failed(text);
    }

    /// Shows the progress of the phase.
    pub(super) fn tell(&self, text: impl Into<String>) {
        if let Some(bar) = &self.bar {
            bar.set_message(escaped(&text.into()).to_string());
        }
    }

    pub(super) fn done(self, text: impl Into<String>) {
        self.end("{prefix:>12.green} {msg}", escaped(&text.into()).to_string());
    }

    pub(super) fn failed(self, text: impl Into<String>) {
        self.end(FAILED, escaped(&text.into()).to_string());
    }

    fn end(mut self, template: &str, text: String) {
        match self.bar.take() {
            Some(bar) => {
                bar.set_style(style(template));
                bar.finish_with_message(text);
            }
            None => write_line(&format!("{:>12} {text}", self.name)),
        }
    }
}

impl Drop for Phase {
    /// A phase that was dropped before its end was cut off, and writes nothing.
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn spinner(name: &'static str, text: String) -> ProgressBar {
    let bar = ProgressBar::new_spinner()
        .with_style(style("{prefix:>12.cyan} {msg} {spinner}"))
        .with_prefix(name)
        .with_message(escaped(&text).to_string());
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn style(template: &str) -> ProgressStyle {
    // Only an invalid template is refused.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn write_line(text: &str) {
    // If standard error cannot be written, there is no other way to report it.
    let _ = writeln!(io::stderr().lock(), "{text}");
}
