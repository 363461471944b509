//! The journal as Chaos Toolkit writes it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    thread,
    time::Duration,
};

use chaos_core::{Error, ErrorKind, Result, jiff::Timestamp};
use serde_json::{Map, Value, json};

use super::{
    ActivityRun, ExperimentVerdict, HypothesisLook, activity_run::time, changes::Changes, compatible,
    state::State,
};
use crate::substitution::MASK;

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
        // Also those that a file of variables has replaced.
        if let Some(secrets) = fields.get_mut("secrets") {
            hide(secrets);
        }
        fields.insert("dry".to_owned(), state.options.dry.map_or(Value::Null, |dry| dry.name().into()));
    }
    document
}

/// Hides what is inline in secrets.
fn hide(secrets: &mut Value) {
    let is_reference = |kind: Option<&Value>| kind.is_some_and(|kind| kind == "env" || kind == "vault");
    match secrets {
        Value::Object(fields) if is_reference(fields.get("type")) => drop(fields.remove("default")),
        Value::Object(fields) => fields.values_mut().for_each(hide),
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::Null => {}
        inline => *inline = MASK.into(),
    }
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
    place: Place,
    thread: thread::JoinHandle<()>,
    changes: Arc<Changes>,
}

impl Writer {
    /// Writes the first version.
    pub(crate) fn start(path: &Path, state: &Arc<State>) -> Result<Self> {
        let place = Place::at(path, &state.run).map_err(|error| unwritable(path, error))?;
        if place.draft.is_some() {
            place.write(&journal(state, None)).map_err(|error| unwritable(path, error))?;
        }
        let (for_thread, to) = (Arc::downgrade(state), place.clone());
        let changes = Arc::clone(&state.changes);
        let thread = thread::Builder::new()
            .name("chaos-lab-journal".to_owned())
            .spawn(move || keep_up(&to, &changes, &for_thread));
        let thread = thread.map_err(|error| unwritable(path, error))?;
        Ok(Self { place, thread, changes: Arc::clone(&state.changes) })
    }

    /// Writes the last version.
    pub(crate) fn end(self, journal: &Value) -> Result<()> {
        self.changes.are_over();
        let _ = self.thread.join();
        self.place.write(journal).map_err(|error| unwritable(&self.place.path, error))
    }
}

/// Where a journal is written.
#[derive(Clone, Debug)]
struct Place {
    path: PathBuf,
    /// The next version before its rename, with a name that no other run has. `None` for a device such as `/dev/null`:
    /// it gets the last version alone, and is never replaced.
    draft: Option<PathBuf>,
}

impl Place {
    fn at(path: &Path, run: &str) -> io::Result<Self> {
        let is_device = match fs::metadata(path) {
            Ok(found) if found.is_file() => false,
            Ok(found) if is_character_device(&found) => true,
            Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(_) => return Err(io::Error::other("it is no regular file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        // Where a link points to, so that the link stays.
        let path = fs::canonicalize(path).or_else(|_| std::path::absolute(path))?;
        let draft = (!is_device).then(|| {
            let mut name = path.file_name().unwrap_or_default().to_owned();
            name.push(format!(".{run}.tmp"));
            path.with_file_name(name)
        });
        Ok(Self { path, draft })
    }

    fn write(&self, journal: &Value) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(journal)?;
        text.push(b'\n');
        let Some(draft) = &self.draft else { return fs::write(&self.path, text) };
        let written = fs::write(draft, text).and_then(|()| fs::rename(draft, &self.path));
        if written.is_err() {
            let _ = fs::remove_file(draft);
        }
        written
    }
}

#[cfg(unix)]
fn is_character_device(found: &fs::Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_char_device(&found.file_type())
}

#[cfg(not(unix))]
fn is_character_device(_: &fs::Metadata) -> bool {
    false
}

/// How long one version stays at least, so that many short activities do not write it over and over.
const PACE: Duration = Duration::from_millis(50);
/// How much longer than it took to write: each version holds everything, and there may be many.
const TIMES: u32 = 20;

/// Writes until the run is over, or nobody carries it on any more: after a run that was dropped, the rollbacks are
/// still played.
fn keep_up(place: &Place, changes: &Changes, run: &Weak<State>) {
    let mut seen = 0;
    loop {
        changes.wait(seen);
        // As long as it is here, nothing of it is lost.
        let Some(state) = run.upgrade() else { return };
        while let Some(now) = changes.so_far().filter(|now| *now != seen) {
            seen = now;
            let begun = state.clock.monotonic();
            if place.draft.is_some() {
                // The last version tells if the file cannot be written.
                let _ = place.write(&journal(&state, None));
            }
            changes.pause(PACE.max(state.clock.monotonic().saturating_sub(begun).saturating_mul(TIMES)));
        }
        if changes.so_far().is_none() {
            return;
        }
    }
}

fn unwritable(path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "the journal of the experiment cannot be written")
        .with("path", path.display())
        .caused_by(error)
}
