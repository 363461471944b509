use std::time::Duration;

/// For how long the channels of this crate try a message again.
pub(crate) const PATIENCE: Duration = Duration::from_secs(600);
