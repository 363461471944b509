//! The journal as Chaos Toolkit writes it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use chaos_core::{Error, ErrorKind, Result, jiff::Timestamp};
use serde_json::{Map, Value, json};

use super::{ActivityRun, ExperimentVerdict, HypothesisLook, activity_run::time, compatible, state::State};

/// The version of Chaos Toolkit's library whose journal this is.
const LIBRARY: &str = "1.44.0";

/// The journal of a run: as it is now or, with a verdict, as it ended.
pub(crate) fn journal(state: &State, ended: Option<(ExperimentVerdict, &[String])>) -> Value {
    let progress = state.progress();
    let (status, deviated) =
        compatible::status(&progress, state.hypothesis_strategy(), state.options.fail_fast);
    let is_compatible = state.options.compatible;
    let look =
        |look: &Option<HypothesisLook>| look.as_ref().map_or(Value::Null, |look| look.entry(is_compatible));
    let during: Vec<Value> = progress.during.iter().map(|look| look.entry(is_compatible)).collect();
    let runs = |runs: &[ActivityRun]| runs.iter().map(|run| run.entry(is_compatible)).collect::<Vec<_>>();
    let mut journal = Map::new();
    let mut set = |name: &str, value: Value| drop(journal.insert(name.to_owned(), value));
    set("chaoslib-version", LIBRARY.into());
    set("platform", platform().into());
    set("node", node().into());
    set("experiment", experiment(state));
    set("start", time(state.start).into());
    set("status", if ended.is_some() { status.name().into() } else { Value::Null });
    set("deviated", deviated.into());
    set(
        "steady_states",
        json!({ "before": look(&progress.before), "after": look(&progress.after), "during": during }),
    );
    set("run", runs(&progress.method).into());
    set("rollbacks", runs(&progress.rollbacks).into());
    if let Some((verdict, reasons)) = ended {
        let end: Timestamp = state.clock.now();
        set("end", time(end).into());
        set("duration", json!(end.duration_since(state.start).as_secs_f64()));
        set("verdict", verdict.name().into());
        set("reasons", json!(reasons));
    }
    Value::Object(journal)
}

/// The document, with the title that the names make of it, and without the values of secrets.
fn experiment(state: &State) -> Value {
    let mut document = state.names().masked(&state.experiment.document);
    if let Value::Object(fields) = &mut document {
        fields.insert("title".to_owned(), state.title().into());
        fields.insert("dry".to_owned(), state.options.dry.map_or(Value::Null, |dry| dry.name().into()));
    }
    document
}

/// The system, as Python's `platform.platform()` tells it, as far as this program knows it.
fn platform() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut system = std::env::consts::OS.to_owned();
    if let Some(first) = system.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    [system.as_str(), release.trim(), std::env::consts::ARCH]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("-")
}

fn node() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

/// Writes the journal of a run whenever something has changed, in a thread of its own. At every moment the file is a
/// whole journal: each version takes the place of the one before it by a rename.
#[derive(Debug)]
pub(crate) struct Writer {
    path: PathBuf,
    thread: Option<thread::JoinHandle<()>>,
    state: Arc<State>,
}

impl Writer {
    /// Writes the first version.
    pub(crate) fn start(path: &Path, state: &Arc<State>) -> Result<Self> {
        let path = std::path::absolute(path).map_err(|error| unwritable(path, error))?;
        write(&path, &journal(state, None)).map_err(|error| unwritable(&path, error))?;
        let (for_thread, to) = (Arc::clone(state), path.clone());
        let thread = thread::Builder::new()
            .name("chaos-lab-journal".to_owned())
            .spawn(move || keep_up(&to, &for_thread));
        let thread = thread.map_err(|error| unwritable(&path, error))?;
        Ok(Self { path, thread: Some(thread), state: Arc::clone(state) })
    }

    /// Writes the last version.
    pub(crate) fn end(mut self, journal: &Value) -> Result<()> {
        self.state.is_over();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        write(&self.path, journal).map_err(|error| unwritable(&self.path, error))
    }
}

/// How long one version stays at least, so that many short activities do not write it over and over.
const PACE: Duration = Duration::from_millis(50);
/// How much longer than it took to write: each version holds everything, and there may be many.
const TIMES: u32 = 20;

fn keep_up(path: &Path, state: &State) {
    let (mut seen, mut pace) = (0, PACE);
    while let Some(changes) = state.wait_for_changes(seen, pace) {
        seen = changes;
        let begun = state.clock.monotonic();
        // The last version tells if the file cannot be written.
        let _ = write(path, &journal(state, None));
        pace = PACE.max(state.clock.monotonic().saturating_sub(begun).saturating_mul(TIMES));
    }
}

fn write(path: &Path, journal: &Value) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(journal)?;
    text.push(b'\n');
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    let draft = path.with_file_name(name);
    fs::write(&draft, text)?;
    fs::rename(draft, path)
}

fn unwritable(path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "the journal of the experiment cannot be written")
        .with("path", path.display())
        .caused_by(error)
}
