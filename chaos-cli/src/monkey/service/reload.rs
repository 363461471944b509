use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use chaos_core::{
    MemoryJournal,
    clock::{Clock, SystemClock},
};
use chaos_journal::SqlJournal;

use super::{
    http::{Answering, Shown, answer},
    listeners::Listeners,
};
use crate::{
    catalogue::Catalogue,
    monkey::{
        assemble::{Assembled, Over, assemble},
        feeds::fetch_all,
        file::{MonkeyFile, ServiceSection},
        read::read,
    },
    program::ProgramError,
};

/// How long the files may take to be read.
const LIMIT: Duration = Duration::from_secs(30);

/// Reads the file of a running service again, beside that service.
pub(super) struct Reload<'a> {
    pub(super) config: PathBuf,
    pub(super) set: Vec<String>,
    pub(super) catalogue: &'a Catalogue,
    pub(super) journal_path: Option<PathBuf>,
    pub(super) journal: Option<Arc<SqlJournal>>,
    pub(super) rehearsal: MemoryJournal,
    pub(super) service: ServiceSection,
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
        let (config, set, catalogue) = (self.config, self.set, self.catalogue.clone());
        // In a thread: a file on a share may hang, and nothing else may wait for it.
        let reading = tokio::task::spawn_blocking(move || read(&config, &set, &catalogue));
        let clock = SystemClock::default();
        let file = tokio::select! {
            biased;
            read = reading => read.map_err(|error| format!("the file cannot be read: {error}"))?,
            () = clock.sleep(LIMIT) => {
                return Err(format!("the file, or one that it refers to, cannot be read within {LIMIT:?}"));
            }
        };
        let file = file.map_err(|problems| problems.to_string())?;
        if file.service.log != self.service.log || file.service.logs_json != self.service.logs_json {
            return Err("the log cannot be changed while the monkey runs; restart it".to_owned());
        }
        if file.journal != self.journal_path {
            return Err("the journal cannot be changed while the monkey runs; restart it".to_owned());
        }
        fetch_all(file.calendar.as_ref()).await;
        let told = |error: ProgramError| error.to_string();
        let listeners = Listeners::of(&file).map_err(|error| told(error.into()))?;
        let observers = listeners.observers();
        let over = Over { journal: self.journal, rehearsal: self.rehearsal };
        let assembled = assemble(&file, self.catalogue, over, observers).await.map_err(told)?;
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
