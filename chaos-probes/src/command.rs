use std::{fmt, time::Duration};

use chaos_core::{
    Error, Result, async_trait,
    clock::Clock,
    steady_state::{Probe, Reading},
};

use crate::{pointer, trouble::check_limit};
#[cfg(unix)]
use crate::{
    running::{Ended, Running},
    trouble::{Trouble, answered_within},
};

/// A program that is run for each look. It yields the exit status, unless [`stdout`](Command::stdout) or
/// [`json`](Command::json) asks for something else.
///
/// No shell is involved: the first word is the program, looked up in `PATH`, and each other word is one argument. It
/// inherits the environment and the working directory, reads nothing and runs in a process group of its own. Whenever a
/// look ends or is dropped, the whole group is killed, so nothing that the program has started stays behind, unless it
/// made a session of its own. If this process itself is killed, it cannot kill the group: use a program that ends on
/// its own.
///
/// If the program is ended by a signal, exceeds a [time limit](Command::answering_within) of the probe, or prints more
/// than 1 MiB, that is no answer, so a violation. If it cannot be started, that is a doubt.
///
/// Reports show the program and its arguments. Pass secrets through the environment or a file.
///
/// Only for Unix. Elsewhere, [`check`](Probe::check) refuses it.
///
/// ```
/// use chaos_core::SteadyState;
/// use chaos_probes::Command;
///
/// let ready = Command::new(["pg_isready", "--quiet"]);
/// assert_eq!(ready.to_string(), r#"exit status of "pg_isready" "--quiet""#);
///
/// let steady = SteadyState::new("If the primary dies, then the database fails over")
///     .probe("database", ready, 0)
///     .probe("lag", Command::new(["./replication", "--json"]).json("/lag_seconds"), ..=5.0);
/// # drop(steady);
/// ```
#[derive(Clone, Debug)]
pub struct Command {
    words: Vec<String>,
    yields: Yields,
    limit: Option<Duration>,
}

#[derive(Clone, Debug)]
enum Yields {
    ExitStatus,
    Stdout,
    Json(String),
}

impl Command {
    /// A program and its arguments.
    pub fn new(words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { words: words.into_iter().map(Into::into).collect(), yields: Yields::ExitStatus, limit: None }
    }

    /// Yields the standard output as a text, without white space at its end. Bytes that are not UTF-8 are replaced. An
    /// exit status other than 0 is no answer.
    #[must_use]
    pub fn stdout(mut self) -> Self {
        self.yields = Yields::Stdout;
        self
    }

    /// Yields the value in the JSON on standard output that a pointer points at, by RFC 6901: `/checks/0/state`, or an
    /// empty text for the whole output. An exit status other than 0, an output that is not JSON, one that is nested
    /// more than 127 levels deep, and one without this value are no answer.
    #[must_use]
    pub fn json(mut self, pointer: impl Into<String>) -> Self {
        self.yields = Yields::Json(pointer.into());
        self
    }

    /// Sets how long the program may run. A longer run is no answer. Without this, it is a doubt once the time limit of
    /// the steady state has passed. Choose a limit shorter than that.
    #[must_use]
    pub fn answering_within(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    #[cfg(unix)]
    async fn read(&self, clock: &dyn Clock) -> Result<Reading, Trouble> {
        let reads = !matches!(self.yields, Yields::ExitStatus);
        let ending = Running::start(&self.words, reads)?.ended();
        let Ended { status, stdout } = match self.limit {
            Some(limit) => answered_within(limit, clock, ending).await?,
            None => ending.await?,
        };
        match &self.yields {
            Yields::ExitStatus => Ok(status.into()),
            _ if status != 0 => Err(Trouble::NoAnswer(format!("its exit status is {status}"))),
            Yields::Stdout => Ok(String::from_utf8_lossy(&stdout).trim_end().into()),
            Yields::Json(pointer) => {
                pointer::value_at(pointer, String::from_utf8_lossy(&stdout).as_bytes()).map(Reading::from)
            }
        }
    }
}

#[async_trait]
impl Probe for Command {
    #[cfg(unix)]
    async fn look(&self, clock: &dyn Clock) -> Result<Reading> {
        self.check()?;
        self.read(clock).await.or_else(Trouble::into_reading)
    }

    #[cfg(not(unix))]
    async fn look(&self, _clock: &dyn Clock) -> Result<Reading> {
        self.check()?;
        Err(Error::unsupported("a command as a probe"))
    }

    fn check(&self) -> Result<()> {
        if cfg!(not(unix)) {
            return Err(Error::invalid("probe", self, "another probe, because commands are for Unix only"));
        }
        if self.words.first().is_none_or(String::is_empty) {
            return Err(Error::invalid(
                "command",
                format!("{:?}", self.words),
                "a program and its arguments",
            ));
        }
        if self.words.iter().any(|word| word.contains('\0')) {
            return Err(Error::invalid("command", format!("{:?}", self.words), "words without a NUL"));
        }
        if let Yields::Json(pointer) = &self.yields {
            pointer::check(pointer)?;
        }
        self.limit.map_or(Ok(()), check_limit)
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.yields {
            Yields::ExitStatus => f.write_str("exit status of")?,
            Yields::Stdout => f.write_str("output of")?,
            Yields::Json(pointer) if pointer.is_empty() => f.write_str("JSON of")?,
            Yields::Json(pointer) => write!(f, "{pointer} of")?,
        }
        self.words.iter().try_for_each(|word| write!(f, " {word:?}"))
    }
}
