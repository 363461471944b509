use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use chaos_journal::SqlJournal;

use super::{
    http::{Answering, Shown, answer},
    listeners::Listeners,
};
use crate::{
    catalogue::Catalogue,
    monkey::{
        assemble::{Assembled, assemble},
        file::MonkeyFile,
        read::read,
    },
    program::ProgramError,
};

/// Reads the file of a running service again, beside that service.
pub(super) struct Reload<'a> {
    pub(super) config: PathBuf,
    pub(super) set: Vec<String>,
    pub(super) catalogue: &'a Catalogue,
    pub(super) journal_path: Option<PathBuf>,
    pub(super) journal: Option<Arc<SqlJournal>>,
    /// Where the service answers now.
    pub(super) address: Option<SocketAddr>,
    pub(super) shown: Shown,
}

/// All that a new file asks for, ready to be taken.
pub(super) struct Reloaded {
    pub(super) file: MonkeyFile,
    pub(super) listeners: Listeners,
    pub(super) assembled: Assembled,
    /// `None` if it answers where it did.
    pub(super) answering: Option<Option<Answering>>,
}

impl Reload<'_> {
    /// Connects to everything, and changes nothing.
    ///
    /// # Errors
    /// Why the file cannot be taken.
    pub(super) async fn run(self) -> Result<Reloaded, String> {
        let file = read(&self.config, &self.set, self.catalogue).map_err(|problems| problems.to_string())?;
        if file.journal != self.journal_path {
            return Err("the journal cannot be changed while the monkey runs; restart it".to_owned());
        }
        let told = |error: ProgramError| error.to_string();
        let listeners = Listeners::of(&file).map_err(|error| told(error.into()))?;
        let observers = listeners.observers();
        let assembled = assemble(&file, self.catalogue, self.journal, observers).await.map_err(told)?;
        let answering = match file.service.listen {
            same if same == self.address => None,
            None => Some(None),
            Some(address) => {
                let answering = answer(address, self.shown).await;
                Some(Some(answering.map_err(|error| told(error.into()))?))
            }
        };
        Ok(Reloaded { file, listeners, assembled, answering })
    }
}
