use std::time::Duration;

/// A check whether a process is healthy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    path: Option<String>,
    time_limit: Duration,
}

impl HealthCheck {
    /// Healthy when `GET path` answers with a 2xx status.
    pub fn http(path: impl Into<String>) -> Self {
        Self { path: Some(path.into()), ..Self::alive() }
    }

    /// Healthy when the process's port accepts a connection.
    pub fn tcp() -> Self {
        Self::alive()
    }

    /// Healthy when the process exists and is not stopped.
    pub fn alive() -> Self {
        Self { path: None, time_limit: Duration::from_secs(1) }
    }

    /// Sets the time limit of one check, after which it counts as failed.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }
}
