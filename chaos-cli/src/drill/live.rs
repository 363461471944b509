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

/// Standard error, with a line for each phase: redrawn while the phase lasts where it is a terminal, otherwise written
/// once the phase is over.
#[derive(Clone, Debug)]
pub(super) struct Live {
    lines: MultiProgress,
    is_terminal: bool,
    /// Whether a phase stands below all others.
    has_last: Arc<AtomicBool>,
}

/// How what went wrong is drawn.
const FAILED: &str = "{prefix:>12.red.bold} {msg}";

/// One phase that is under way.
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

    /// For the log, which must not write across them.
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

    /// A phase that is over already.
    pub(super) fn done(&self, name: &'static str, text: impl Into<String>) {
        self.begin(name, "").done(text);
    }

    /// A phase that went wrong.
    pub(super) fn failed(&self, name: &'static str, text: impl Into<String>) {
        self.begin(name, "").failed(text);
    }

    /// A text of several lines that says what a person would do.
    pub(super) fn by_hand(&self, text: &str) {
        self.begin("by hand", "").end(FAILED, escaped_lines(text));
    }

    /// A line like that of a phase, written once: what is redrawn would stand in the way of a question.
    pub(super) fn head(&self, name: &str, text: &str) {
        self.say(&format!("{name:>12} {}", escaped(text)));
    }

    /// Writes above the lines, as it is.
    pub(super) fn say(&self, text: &str) {
        self.lines.suspend(|| write_line(text));
    }
}

impl Phase {
    /// A phase that is over already, above this one.
    pub(super) fn preceded_by(&self, name: &'static str, text: impl Into<String>) {
        let bar =
            self.bar.as_ref().map(|bar| self.live.lines.insert_before(bar, spinner(name, String::new())));
        Phase { name, live: self.live.clone(), bar }.done(text);
    }

    /// What went wrong and does not end this one, above it.
    pub(super) fn preceded_by_failure(&self, name: &'static str, text: impl Into<String>) {
        let bar =
            self.bar.as_ref().map(|bar| self.live.lines.insert_before(bar, spinner(name, String::new())));
        Phase { name, live: self.live.clone(), bar }.failed(text);
    }

    /// Says how far it is.
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
    /// A phase that nobody ended was cut off, and says nothing.
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
    // Only a template that makes no sense is refused.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn write_line(text: &str) {
    // Where standard error cannot be written there is nobody left to tell.
    let _ = writeln!(io::stderr().lock(), "{text}");
}
