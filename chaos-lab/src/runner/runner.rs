use std::{path::PathBuf, sync::Arc, time::Duration};

use chaos_core::{
    Error, Result,
    clock::{Clock, SystemClock},
};
use serde_json::Value;

use super::{
    http::Requests,
    limited::limited,
    process::Processes,
    python::{Interpreter, Way},
    surroundings::Surroundings,
    trouble::{Trouble, TroubleKind},
};
use crate::{
    experiment::Provider,
    functions::{Call, Function},
    substitution::Names,
};

/// Carries activities out. Clones share the processes that they have started.
///
/// Needs a tokio runtime with its I/O driver and its timer.
///
/// ```
/// use chaos_lab::{
///     experiment::{ProcessProvider, Provider},
///     runner::Runner,
///     substitution::Names,
/// };
/// use serde_json::json;
///
/// # #[cfg(unix)]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let runner = Runner::start()?;
/// let echo = Provider::Process(ProcessProvider::new("echo", json!(["port", "${port}"])));
/// let output = runner.carry_out(&echo, &Names::default().with("port", 8080)).await?;
/// assert_eq!(output, json!({ "status": 0, "stdout": "port 8080\n", "stderr": "" }));
/// # Ok(())
/// # }
/// # #[cfg(not(unix))]
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
pub struct Runner {
    shared: Arc<Shared>,
    surroundings: Arc<Surroundings>,
    python: Option<Arc<Interpreter>>,
    /// Whether functions are called in a thread of their own.
    is_aside: bool,
    /// Whether it only looks.
    is_lookout: bool,
}

#[derive(Debug)]
struct Shared {
    clock: Arc<dyn Clock>,
    processes: Processes,
    requests: Requests,
}

impl Runner {
    /// A runner by the time of this machine. It starts nothing yet.
    ///
    /// # Errors
    /// None so far.
    pub fn start() -> Result<Self> {
        Self::with_clock(Arc::new(SystemClock::default()))
    }

    /// As [`start`](Runner::start), with time limits by another clock.
    ///
    /// # Errors
    /// None so far.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Result<Self> {
        Ok(Self {
            shared: Arc::new(Shared {
                clock,
                processes: Processes::default(),
                requests: Requests::default(),
            }),
            surroundings: Arc::default(),
            python: None,
            is_aside: false,
            is_lookout: false,
        })
    }

    /// Calls functions of Python in this interpreter: a path, or a name that is looked up in PATH. Without it, none is
    /// called.
    ///
    /// The interpreter is started with the first call, and runs until the runner and its clones are dropped. Modules
    /// are looked up as Python does it, and last in the working directory. What a function prints is logged at the
    /// level `info`, the first MiB of it, without secrets.
    #[must_use]
    pub fn with_python(mut self, program: impl Into<PathBuf>) -> Self {
        self.python = Some(Arc::new(Interpreter::of(program.into())));
        self
    }

    /// As it, for looks beside what `other` carries out, in the same interpreter. A look of which nobody waits for the
    /// end goes on.
    pub(crate) fn looking_beside(mut self, other: &Self) -> Self {
        self.python.clone_from(&other.python);
        self.is_aside = true;
        self.is_lookout = true;
        self
    }

    /// For an activity in the background: beside what is in the foreground.
    pub(crate) fn aside(&self) -> Self {
        Self { is_aside: true, ..self.clone() }
    }

    /// Starts its processes in another working directory than that of this program.
    #[must_use]
    pub fn in_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        Arc::make_mut(&mut self.surroundings).directory = Some(directory.into());
        self
    }

    /// Adds variables to the environment of its processes.
    #[must_use]
    pub fn with_variables(
        mut self,
        variables: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Arc::make_mut(&mut self.surroundings).variables.extend(variables);
        self
    }

    /// Carries out what `provider` says, with `names` in it replaced by their values.
    ///
    /// A process yields `{"status", "stdout", "stderr"}`. The status is that of its exit, or the negative number of the
    /// signal that ended it. Each output is a text; bytes that are not UTF-8 are replaced. It holds the first MiB at
    /// most, and `"truncated": true` says that there was more. A process inherits the environment and the working
    /// directory, reads nothing, and runs in a process group of its own. A process that ends on its own may leave
    /// others of its group behind, such as a server in the background.
    ///
    /// A request yields `{"status", "headers", "body"}`. Names of headers are as the server wrote them. The body is
    /// parsed if its type is exactly `application/json`; otherwise it is a text. Of a longer one the first MiB is read,
    /// and `"truncated": true` says so. Each request has a connection of its own. Redirects are followed as Python's
    /// requests does, up to 30, without cookies. No proxy is used. `https://` needs the feature `tls`, which is on by
    /// default, and trusts the authorities of this machine.
    ///
    /// # Errors
    /// If there is no output. A non-zero exit and a status such as 500 are outputs. The text of the error shows no
    /// secret of `names`.
    ///
    /// A function of Python yields what it returns, of which there must be a JSON form of at most 1 MiB. It gets the
    /// configuration and its groups of secrets if it has parameters of these names. An interpreter that has ended is
    /// started again for the next call, without what its modules knew.
    ///
    /// If this program is killed, even by `kill -9`, a shell beside it kills the groups that are left, within a second.
    /// Without that shell no process is started. It cannot end a process that made a session or a group of its own.
    ///
    /// Cancel safe in the sense that matters: if you drop the call, the whole process group is killed. At a time-out it
    /// is killed as well.
    pub async fn carry_out(&self, provider: &Provider, names: &Names) -> Result<Value, Trouble> {
        let Shared { clock, processes, requests } = &*self.shared;
        match provider {
            Provider::Process(process) => processes.run(process, names, &self.surroundings, &**clock).await,
            Provider::Http(http) => requests.run(http, names, clock).await,
            Provider::Chaos(chaos) => {
                let what = format!("no event and no probe is run here, so {} is not", chaos.name);
                Err(Trouble::new(TroubleKind::Refused, what, names))
            }
            Provider::Python(python) if let Some(function) = Function::here(python) => {
                let refused = |why: String| Trouble::new(TroubleKind::Refused, why, names);
                let call = Call::of(function, python, names, clock).map_err(refused)?;
                let unknown = |error: Error| Trouble::new(TroubleKind::Unknown, error.chain(), names);
                let work = Box::pin(async { call.carry_out().await.map_err(unknown) });
                limited(python.timeout, clock, names, work).await
            }
            Provider::Python(python) => {
                let what = format!("{}.{}", python.module, python.function);
                let Some(interpreter) = &self.python else {
                    let what = format!("no Python is run, so {what} cannot be called");
                    return Err(Trouble::new(TroubleKind::Refused, what, names));
                };
                let way = self.way(&what, python.timeout);
                interpreter.call(python, names, way, &self.surroundings, &**clock).await
            }
        }
    }

    /// Kills every process group that is still running, and waits until none is left. What a process has left behind
    /// after it ended on its own is not touched.
    ///
    /// Calls that wait for these processes return [`TroubleKind::Ended`]. Later calls start processes as before.
    ///
    /// Cancel safe: the groups are killed at the first poll.
    /// An interpreter of Python is ended only if a function is under way in it.
    pub async fn end_all(&self) {
        let clock = &*self.shared.clock;
        let calls = async {
            if let Some(python) = self.python.as_ref().filter(|_| !self.is_lookout) {
                python.end_calls(clock).await;
            }
        };
        tokio::join!(self.shared.processes.end_all(clock), calls);
    }

    /// Ends the interpreter of Python, after it has cleaned up.
    pub(crate) async fn end_python(&self) {
        if let Some(python) = &self.python {
            python.finish(&*self.shared.clock).await;
        }
    }

    /// Gives the interpreter of Python an order other than a call.
    pub(crate) async fn ask_python(
        &self,
        order: Value,
        names: &Names,
        what: &str,
        limit: Option<Duration>,
    ) -> Result<Value, Trouble> {
        let Some(python) = &self.python else {
            return Err(Trouble::new(TroubleKind::Refused, "no Python is run", names));
        };
        let way = self.way(what, limit);
        python.order(order, names, way, &self.surroundings, &*self.shared.clock).await
    }

    /// Sets the first order of each interpreter of Python that is started from now on.
    pub(crate) fn begin_python_with(&self, order: Value) {
        if let Some(python) = &self.python {
            python.begin_with(order);
        }
    }

    /// Logs nothing of what Python prints until that is released.
    pub(crate) fn hold_python_log(&self) -> HeldLog {
        if let Some(python) = &self.python {
            python.hold_log();
        }
        HeldLog { python: self.python.clone() }
    }

    fn way<'a>(&self, what: &'a str, limit: Option<Duration>) -> Way<'a> {
        Way { what, is_aside: self.is_aside, is_look: self.is_lookout, limit }
    }
}

/// What Python prints is not logged as long as this is held.
#[derive(Debug)]
pub(crate) struct HeldLog {
    python: Option<Arc<Interpreter>>,
}

impl HeldLog {
    /// Masks the secrets of `names` from now on, and logs what was held back.
    pub(crate) fn release(self, names: &Names) {
        if let Some(python) = &self.python {
            python.learn(names);
        }
    }
}

impl Drop for HeldLog {
    fn drop(&mut self) {
        if let Some(python) = &self.python {
            python.release_log();
        }
    }
}
