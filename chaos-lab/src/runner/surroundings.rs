use std::{fmt, path::PathBuf};

/// Where the processes of a runner start.
#[derive(Clone, Default)]
pub(super) struct Surroundings {
    /// The working directory; by default that of this program.
    pub(super) directory: Option<PathBuf>,
    /// Variables beside those of this program.
    pub(super) variables: Vec<(String, String)>,
}

impl fmt::Debug for Surroundings {
    /// Shows no value of a variable.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").field("directory", &self.directory).finish_non_exhaustive()
    }
}
