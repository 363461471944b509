use std::{path::Path, sync::Arc};

use chaos_core::{
    Result,
    chance::{Entropy, SystemEntropy},
};

use super::SqlJournal;

/// Options for opening a [`SqlJournal`].
///
/// ```
/// use chaos_core::ErrorKind;
/// use chaos_journal::JournalOptions;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # let folder = tempfile::tempdir().unwrap();
/// let missing = folder.path().join("chaos.journal");
/// let error = JournalOptions::new().create(false).open(&missing).await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct JournalOptions {
    create: bool,
    entropy: Arc<dyn Entropy>,
}

impl JournalOptions {
    /// The default options: a missing file is created, and sessions are named by [`SystemEntropy`].
    pub fn new() -> Self {
        Self { create: true, entropy: Arc::new(SystemEntropy::default()) }
    }

    /// Sets whether a missing file is created. Otherwise it is an error of kind `NotFound`.
    #[must_use]
    pub fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// Sets the source of the names of sessions. Two journals over one file must never draw the same name.
    #[must_use]
    pub fn entropy(mut self, entropy: impl Entropy) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// Opens the journal in the file `path`.
    ///
    /// # Errors
    /// As [`SqlJournal::open`].
    pub async fn open(self, path: impl AsRef<Path>) -> Result<SqlJournal> {
        SqlJournal::open_with(path.as_ref(), self.create, self.entropy).await
    }
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self::new()
    }
}
