use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use chaos_core::{Error, Result};

use super::RunArguments;

/// What every file of a journal of ours begins with.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// Whether each file that will be written may be: none of them is a journal with rollbacks, an experiment, or another
/// of them.
pub(super) fn check(arguments: &RunArguments) -> Result<()> {
    let mut taken: Vec<(PathBuf, &str)> = Vec::new();
    taken.extend(arguments.files.iter().map(|file| (place(file), "an experiment of this run")));
    taken
        .extend(arguments.variable_files.iter().map(|file| (place(file), "a file of variables of this run")));
    taken.extend(arguments.settings.iter().map(|file| (place(file), "the settings of this run")));
    taken.extend(arguments.journal.iter().map(|file| (place(file), "the journal of the rollbacks")));
    let outputs = [("--journal-path", arguments.journal_path.as_path())];
    let reports = arguments.reports.iter().map(|report| ("--report", report.path()));
    for (option, path) in outputs.into_iter().chain(reports) {
        let found = place(path);
        let what = match taken.iter().find(|(known, _)| *known == found) {
            Some((_, what)) => Some(*what),
            None if is_database(path) => Some("a database, such as a journal with rollbacks"),
            None => None,
        };
        if let Some(what) = what {
            let expected = format!("another file: this one is {what}");
            return Err(Error::invalid(option, path.display(), expected));
        }
        taken.push((found, "another file that this run writes"));
    }
    Ok(())
}

/// A path that is the same for each name of a file.
fn place(path: &Path) -> PathBuf {
    fs::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

fn is_database(path: &Path) -> bool {
    // A pipe or a device may never begin.
    let is_file = fs::metadata(path).is_ok_and(|found| found.is_file());
    let mut begins = [0; SQLITE.len()];
    is_file && File::open(path).and_then(|mut file| file.read_exact(&mut begins)).is_ok() && begins == SQLITE
}
