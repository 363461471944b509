use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};

use crate::{masks::Masks, substitution::Names};

/// How much of what an interpreter prints is logged, in bytes.
const MOST: usize = 1024 * 1024;

/// The secrets that an interpreter has been told so far, and what it prints, which must not show one.
#[derive(Default)]
pub(super) struct Known(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    last: Vec<(String, Map<String, Value>)>,
    values: Vec<Value>,
    masks: Masks,
    /// How many calls are under way that may yield further secrets.
    holding: usize,
    held: Vec<(String, bool)>,
    logged: usize,
}

impl Known {
    /// The secrets of `names` are masked from now on, beside those known before.
    pub(super) fn learn(&self, names: &Names) {
        let mut inner = self.inner();
        if inner.last == names.secrets() {
            return;
        }
        inner.last = names.secrets().to_vec();
        let new: Vec<Value> = names.secrets().iter().flat_map(|(_, group)| group.values()).cloned().collect();
        for value in new {
            if !inner.values.contains(&value) {
                inner.values.push(value);
            }
        }
        inner.masks = Masks::of(inner.values.iter());
    }

    /// Logs nothing until [`release`](Known::release), because what is printed meanwhile may hold a secret that is not
    /// known yet.
    pub(super) fn hold(&self) {
        self.inner().holding += 1;
    }

    pub(super) fn release(&self) {
        let mut inner = self.inner();
        inner.holding = inner.holding.saturating_sub(1);
        if inner.holding == 0 {
            for (line, is_cut) in std::mem::take(&mut inner.held) {
                inner.log(&line, is_cut);
            }
        }
    }

    /// Logs a line, or the beginning of one that was cut. Returns it as it may be shown.
    pub(super) fn printed(&self, line: &str, is_cut: bool) {
        let mut inner = self.inner();
        if inner.logged > MOST {
            return;
        }
        inner.logged += line.len() + 1;
        if inner.logged > MOST {
            tracing::info!(target: "chaos_lab::python", "more was printed, and is left out");
        } else if inner.holding > 0 {
            inner.held.push((line.to_owned(), is_cut));
        } else {
            inner.log(line, is_cut);
        }
    }

    /// A text that may have been cut, without secrets.
    pub(super) fn masked(&self, text: &str, is_cut: bool) -> String {
        self.inner().masked(text, is_cut)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn log(&self, line: &str, is_cut: bool) {
        tracing::info!(target: "chaos_lab::python", "{}", self.masked(line, is_cut));
    }

    fn masked(&self, text: &str, is_cut: bool) -> String {
        match self.masks.masked(&json!({ "truncated": is_cut, "text": text }))["text"].take() {
            Value::String(text) => text,
            other => other.to_string(),
        }
    }
}

impl std::fmt::Debug for Known {
    /// Shows no secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Known").finish_non_exhaustive()
    }
}
