use std::path::Path;

use super::file::{Catalogues, MonkeyFile, Problems};
use crate::catalogue::Catalogue;

/// Reads a file, with each of `set` in the place of what it says.
pub(super) fn read(file: &Path, set: &[String], catalogue: &Catalogue) -> Result<MonkeyFile, Problems> {
    MonkeyFile::read(file, set, &catalogues(catalogue))
}

/// What a file may name.
pub(super) fn catalogues(catalogue: &Catalogue) -> Catalogues {
    Catalogues {
        events: catalogue.events.clone(),
        providers: catalogue.providers.clone(),
        probes: chaos_probes::catalogue(),
    }
}
