use std::{fmt, time::Duration};

use chaos_core::{
    Error, Result, async_trait,
    clock::Clock,
    steady_state::{Probe, Reading},
};

use crate::{
    connection::connect,
    trouble::{Trouble, answered_within, check_limit},
};

/// A connection over TCP. It yields `true` when the other side accepts one, which is closed at once.
///
/// If the other side refuses or stays silent, or its name cannot be resolved, that is no answer, so a violation. If
/// this machine lacks memory, file descriptors or free ports, that is a doubt.
///
/// The kernel accepts connections for a hanging process until its backlog is full, so [`Http`](crate::Http) is more
/// reliable.
///
/// ```
/// use chaos_core::steady_state::Probe;
/// use chaos_probes::Tcp;
///
/// let database = Tcp::connect("127.0.0.1:5432");
/// database.check().unwrap();
/// assert_eq!(database.to_string(), "connection to 127.0.0.1:5432");
/// assert!(Tcp::connect("127.0.0.1").check().is_err());
/// ```
#[derive(Clone, Debug)]
pub struct Tcp {
    address: String,
    limit: Duration,
}

impl Tcp {
    const DEFAULT_LIMIT: Duration = Duration::from_secs(1);

    /// A connection to a host and a port, such as `db.internal:5432` or `[::1]:5432`.
    pub fn connect(address: impl Into<String>) -> Self {
        Self { address: address.into(), limit: Self::DEFAULT_LIMIT }
    }

    /// Sets how long the connection may take. Longer silence is no answer. Default: 1 second.
    #[must_use]
    pub fn answering_within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    fn host_and_port(&self) -> Result<(&str, u16)> {
        let parts = self.address.rsplit_once(':').and_then(|(host, port)| {
            let inside = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
            // A bare IPv6 address would lose its last part.
            let host = inside.or_else(|| (!host.contains(':')).then_some(host))?;
            let port = port.parse::<u16>().ok().filter(|port| *port != 0)?;
            (!host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c == '/'))
                .then_some((host, port))
        });
        parts.ok_or_else(|| {
            let expected = "a host and a port, such as 127.0.0.1:5432 or [::1]:5432";
            Error::invalid("address", format!("{:?}", self.address), expected)
        })
    }
}

#[async_trait]
impl Probe for Tcp {
    async fn look(&self, clock: &dyn Clock) -> Result<Reading> {
        let (host, port) = self.host_and_port()?;
        match answered_within(self.limit, clock, connect(host, port)).await {
            Ok(_) => Ok(true.into()),
            Err(trouble) => Trouble::into_reading(trouble),
        }
    }

    fn check(&self) -> Result<()> {
        self.host_and_port()?;
        check_limit(self.limit)
    }
}

impl fmt::Display for Tcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection to {}", self.address)
    }
}
