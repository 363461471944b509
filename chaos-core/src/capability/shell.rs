use std::{borrow::Cow, fmt, net::IpAddr, time::Duration};

use async_trait::async_trait;

use super::NetworkShare;
use crate::{
    error::{Error, Result},
    fault::Permit,
};

/// Runs POSIX `sh` scripts on a target.
///
/// What a script starts in a session of its own (`setsid`) outlives the script, its time limit, and whoever ran it.
#[async_trait]
pub trait Shell: fmt::Debug + Send + Sync + 'static {
    /// Runs a script that only looks. Read-only by contract: this is what `prepare` and `verify` may call.
    ///
    /// Cancel safe by that contract.
    async fn inspect(&self, script: &Script) -> Result<Output>;

    /// Runs a script that changes the target.
    ///
    /// Not cancel safe: a dropped call may have happened or not.
    async fn run(&self, script: &Script, permit: &Permit) -> Result<Output>;

    /// How much of the network that these scripts see is the target's, at this moment.
    ///
    /// Cancel safe: it only looks.
    async fn network(&self) -> Result<NetworkShare>;

    /// The addresses that orders to these scripts come through by the target's own network, at this moment: whoever
    /// cuts that network off and wants to be heard there afterwards lets them through. None where orders come another
    /// way, which is the default.
    ///
    /// Cancel safe: it only looks.
    async fn lifeline(&self) -> Result<Vec<IpAddr>> {
        Ok(Vec::new())
    }

    /// How long the way to the target and back may take for a script that itself takes no time, on a bad day: how long
    /// whoever looks through this shell is left to it. Default: 5 seconds.
    fn answers_within(&self) -> Duration {
        Duration::from_secs(5)
    }
}

/// A POSIX `sh` script and its parameters.
///
/// Parameters travel as environment assignments, quoted by the shell that runs them, and never as text pasted into the
/// script: a hostile tag or path cannot become a command.
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

/// What a script left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Output {
    /// The exit status; 0 is success.
    pub status: i32,
    /// What it printed on standard output.
    pub stdout: String,
    /// What it printed on standard error.
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
    /// `InvalidInput` where `name` is no shell variable name of lower-case letters, digits and underscores, or `value`
    /// holds a NUL byte, which no environment can carry.
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
    /// What a script that exited with `status` printed.
    pub fn new(status: i32, stdout: impl Into<String>, stderr: impl Into<String>) -> Self {
        Self { status, stdout: stdout.into(), stderr: stderr.into() }
    }
}
