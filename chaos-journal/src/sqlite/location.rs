use std::{
    fs, io,
    path::{Path, PathBuf},
};

use chaos_core::{Error, ErrorKind, Result, chance::Entropy};

use super::{creation, error, ownership, schema};

/// Finds or creates the file, and returns its canonical path, which is the same for all processes. An empty file
/// becomes a journal.
pub(super) async fn locate(path: &Path, create: bool, entropy: &dyn Entropy) -> Result<PathBuf> {
    if path.to_str().is_none() {
        return Err(Error::invalid("journal path", path.display(), "a path in UTF-8"));
    }
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && create => {
            creation::create(path, entropy).await?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::new(ErrorKind::NotFound, "the journal does not exist")
                .with("journal", path.display())
                .caused_by(error));
        }
        Err(error) => return Err(error::of_file(path, "look at its file")(error)),
        Ok(found) if found.is_dir() => {
            return Err(schema::not_a_journal(path, "it is a directory"));
        }
        Ok(found) if !found.is_file() => {
            return Err(schema::not_a_journal(path, "it is not a regular file"));
        }
        Ok(_) => {}
    }
    let path = ownership::resolve(path)?;
    ownership::claim(&path)?;
    if fs::metadata(&path).is_ok_and(|found| found.len() == 0) {
        creation::adopt(&path, entropy).await?;
    }
    Ok(path)
}
