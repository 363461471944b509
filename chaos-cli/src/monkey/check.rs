use chaos_core::text::escaped;

use super::{
    assemble::{Over, assemble},
    file::MonkeyFile,
};
use crate::{
    catalogue::Catalogue,
    journal,
    program::{ProgramResult, Status, print},
};

/// Connects to everything that the file refers to, and starts nothing.
pub(super) async fn check(file: &MonkeyFile, catalogue: &Catalogue) -> ProgramResult {
    if let Some(path) = &file.journal {
        journal::check(path).await?;
    }
    // Over no journal, so that none is created.
    assemble(file, catalogue, Over::default(), &[]).await?;
    print(&format!("{} is sound", escaped(&file.title)))?;
    Ok(Status::Done)
}
