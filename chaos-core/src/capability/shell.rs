use std::{borrow::Cow, fmt, net::IpAddr, time::Duration};

use async_trait::async_trait;

use super::NetworkShare;
use crate::{
    error::{Error, Result},
    fault::Permit,
};

/// Runs POSIX `sh` scripts on a target.
///
/// Processes that a script starts in a session of their own (`setsid`) outlive the script, its time limit, and the
/// process that ran it.
#[async_trait]
pub trait Shell: fmt::Debug + Send + Sync + 'static {
    /// Runs a script that only looks. It is read-only by contract, so `prepare` and `verify` may call it.
    ///
    /// Cancel safe by that contract.
    async fn inspect(&self, script: &Script) -> Result<Output>;

    /// Runs a script that changes the target.
    ///
    /// Not cancel safe: a dropped call may have happened or not.
    async fn run(&self, script: &Script, permit: &Permit) -> Result<Output>;

    /// How much of the network that these scripts see belongs to the target at this moment.
    ///
    /// Cancel safe: it only looks.
    async fn network(&self) -> Result<NetworkShare>;

    /// The addresses in the target's own network through which orders reach these scripts at this moment. A fault that
    /// cuts that network off must let them through to be able to give orders afterwards. Empty, the default, if orders
    /// take another way.
    ///
    /// Cancel safe: it only looks.
    async fn lifeline(&self) -> Result<Vec<IpAddr>> {
        Ok(Vec::new())
    }

    /// An upper estimate of the round-trip time to the target for a script that takes no time itself. It is the time
    /// limit of a look through this shell. Default: 5 seconds.
    fn answers_within(&self) -> Duration {
        Duration::from_secs(5)
    }
}

/// A POSIX `sh` script and its parameters.
///
/// Parameters are passed as environment variables, never pasted into the text of the script, so a hostile tag or path
/// cannot become a command.
///
/// ```
/// use chaos_core::capability::Script;
///
/// let script = Script::new("df -kP \"$path\"").parameter("path", "/var/lib; rm -rf /")?;
/// assert_eq!(script.parameters().next(), Some(("path", "/var/lib; rm -rf /")));
/// assert!(Script::new("true").parameter("x; reboot", "").is_err());
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    source: Cow<'static, str>,
    parameters: Vec<(&'static str, String)>,
    time_limit: Duration,
}

/// The result of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Output {
    /// The exit status; 0 is success.
    pub status: i32,
    /// The standard output.
    pub stdout: String,
    /// The standard error.
    pub stderr: String,
}

impl Script {
    /// A script with this source text, no parameters, and a time limit of 30 seconds.
    pub fn new(source: impl Into<Cow<'static, str>>) -> Self {
        Self { source: source.into(), parameters: Vec::new(), time_limit: Duration::from_secs(30) }
    }

    /// Adds a parameter, which the script reads as `"$name"`.
    ///
    /// # Errors
    /// `InvalidInput` if `name` is not a shell variable name of lower-case letters, digits and underscores, or if
    /// `value` contains a NUL byte, which an environment cannot hold.
    pub fn parameter(mut self, name: &'static str, value: impl Into<String>) -> Result<Self> {
        let value = value.into();
        let name_is_right =
            name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
                && name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if !name_is_right {
            let expected = "lower-case letters, digits and underscores, not starting with a digit";
            return Err(Error::invalid("script parameter name", format!("{name:?}"), expected));
        }
        if value.contains('\0') {
            return Err(Error::invalid(
                format!("script parameter {name}"),
                format!("{value:?}"),
                "no NUL byte",
            ));
        }
        self.parameters.push((name, value));
        Ok(self)
    }

    /// Sets how long the script may run before it is killed.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// The text of the script.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The parameters, in the order in which they were added.
    pub fn parameters(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.parameters.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// How long the script may run.
    pub fn limit(&self) -> Duration {
        self.time_limit
    }
}

impl Output {
    /// The output of a script that exited with `status`.
    pub fn new(status: i32, stdout: impl Into<String>, stderr: impl Into<String>) -> Self {
        Self { status, stdout: stdout.into(), stderr: stderr.into() }
    }
}
