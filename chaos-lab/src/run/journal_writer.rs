//! The file of the journal as Chaos Toolkit writes it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    thread,
    time::Duration,
};

use chaos_core::{Error, ErrorKind, Result};
use serde_json::Value;

use super::{
    ExperimentReport,
    changes::Changes,
    compatible,
    progress::Progress,
    state::State,
    toolkit_journal::{Told, ToolkitJournal},
};

/// Writes the journal of a run whenever something has changed, in a thread of its own. At every moment the file is a
/// whole journal: each version takes the place of the one before it by a rename.
#[derive(Debug)]
pub(crate) struct Writer {
    place: Place,
    thread: Option<thread::JoinHandle<()>>,
    changes: Arc<Changes>,
}

impl Writer {
    /// Writes the first version.
    pub(crate) fn start(path: &Path, state: &Arc<State>) -> Result<Self> {
        let place = Place::at(path, &state.run).map_err(|error| unwritable(path, error))?;
        if place.draft.is_some() {
            let document = state.document();
            place
                .write(&so_far(state, &document, &state.progress()))
                .map_err(|error| unwritable(path, error))?;
        }
        let (for_thread, to) = (Arc::downgrade(state), place.clone());
        let changes = Arc::clone(&state.changes);
        let thread = thread::Builder::new()
            .name("chaos-lab-journal".to_owned())
            .spawn(move || keep_up(&to, &changes, &for_thread));
        let thread = thread.map_err(|error| unwritable(path, error))?;
        Ok(Self { place, thread: Some(thread), changes: Arc::clone(&state.changes) })
    }

    /// Writes no more versions but the last.
    pub(crate) fn pause(&mut self) {
        self.changes.are_over();
        let _ = self.thread.take().map(thread::JoinHandle::join);
    }

    /// Writes the last version.
    pub(crate) fn end(mut self, report: &ExperimentReport) -> Result<()> {
        self.pause();
        self.place.write(&report.toolkit_journal()).map_err(|error| unwritable(&self.place.path, error))
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

    fn write(&self, journal: &ToolkitJournal<'_>) -> io::Result<()> {
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
const PACE: Duration = Duration::from_millis(200);
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
                let document = state.document();
                let _ = place.write(&so_far(&state, &document, &state.progress()));
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

fn so_far<'a>(state: &'a State, document: &'a Value, progress: &'a Progress) -> ToolkitJournal<'a> {
    let (_, deviated) = compatible::status(progress, state.hypothesis_strategy(), state.options.fail_fast);
    ToolkitJournal::of(Told {
        document,
        start: state.start,
        deviated,
        before: progress.before.as_ref(),
        during: &progress.during,
        after: progress.after.as_ref(),
        method: &progress.method,
        rollbacks: &progress.rollbacks,
        ended: None,
        is_compatible: state.options.compatible,
        added: None,
    })
}
