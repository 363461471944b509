use std::{
    io,
    os::unix::process::CommandExt,
    process::{Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use chaos_core::{
    Error, ErrorKind, Permit, Result, TargetId,
    capability::{NetworkShare, Output, Script, Shell},
    clock::Clock,
};
use rustix::io::Errno;

use crate::{
    capability::locate::Locate,
    client::{
        listening_ports::listening_ports,
        network_namespace::{NamespaceId, NetworkNamespace},
        process_handle::ProcessHandle,
        running_script::RunningScript,
        scarcity::scarcity,
        search_path::search_path,
    },
};

/// Runs scripts on this machine, as this user, in the network namespace of the target's process.
#[derive(Debug)]
pub(crate) struct ProcessShell {
    target: TargetId,
    whose: Whose,
    clock: Arc<dyn Clock>,
    /// The network that was last reported as the target's.
    looked_at: Mutex<Option<NamespaceId>>,
}

#[derive(Debug)]
enum Whose {
    /// Of a target, which may be between two processes.
    Process(Arc<dyn Locate>),
    /// Of a target that is gone, with the name of its former namespace.
    Gone(Option<String>),
}

impl ProcessShell {
    pub(crate) fn new(target: TargetId, process: Arc<dyn Locate>, clock: Arc<dyn Clock>) -> Self {
        Self { target, whose: Whose::Process(process), clock, looked_at: Mutex::new(None) }
    }

    /// The shell of the machine of a target that is gone.
    pub(crate) fn beyond(target: TargetId, namespace: Option<String>, clock: Arc<dyn Clock>) -> Self {
        Self { target, whose: Whose::Gone(namespace), clock, looked_at: Mutex::new(None) }
    }

    fn process(&self) -> Result<Option<ProcessHandle>> {
        match &self.whose {
            Whose::Process(process) => match process.process()? {
                Some(identity) => ProcessHandle::open(identity),
                None => Ok(None),
            },
            Whose::Gone(_) => Ok(None),
        }
    }

    /// The namespace for the next script: that of the process, or, if there is none at the moment, that of the next
    /// process. A namespace that is gone took its contents with it; anything left is on this machine.
    fn namespace(&self) -> Result<NetworkNamespace> {
        if let Some(process) = self.process()?
            && let Some(namespace) = NetworkNamespace::of_process(&process)?
        {
            return Ok(namespace);
        }
        let name = match &self.whose {
            Whose::Process(process) => process.network_namespace(),
            Whose::Gone(name) => name.as_deref(),
        };
        match name.map(NetworkNamespace::named).transpose()?.flatten() {
            Some(namespace) => Ok(namespace),
            None => NetworkNamespace::own(),
        }
    }

    fn start(&self, script: &Script, namespace: &NetworkNamespace) -> Result<RunningScript> {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", script.source(), "chaos-script"])
            .env_clear()
            .env("PATH", search_path())
            .env("LC_ALL", "C")
            .envs(script.parameters())
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let is_own = namespace.is_own()?;
        if !is_own {
            namespace.enter_before_exec(&mut command);
        }
        RunningScript::start(&mut command).map_err(|error| match Errno::from_io_error(&error) {
            Some(Errno::PERM) if !is_own => namespace.not_entered(error),
            Some(Errno::TOOBIG) => {
                let expected =
                    "less than 128 KiB in its text and in each parameter, and less than 2 MiB in total";
                Error::invalid("script", "one that is too long", expected).caused_by(error)
            }
            Some(Errno::NOENT) => Error::new(ErrorKind::Unsupported, "there is no /bin/sh").caused_by(error),
            _ => not_started(error),
        })?
    }

    async fn execute(&self, script: &Script, namespace: &NetworkNamespace) -> Result<Output> {
        self.start(script, namespace)?.finish(script.limit(), self.clock.as_ref()).await
    }

    fn no_process(&self) -> Error {
        match self.whose {
            Whose::Process(_) => Error::new(
                ErrorKind::Conflict,
                "the target has no process at the moment, so its network cannot be looked at",
            ),
            Whose::Gone(_) => Error::new(ErrorKind::NotFound, "the target is gone, and its network with it"),
        }
    }

    fn share(&self) -> Result<NetworkShare> {
        let process = self.process()?.ok_or_else(|| self.no_process())?;
        let namespace = NetworkNamespace::of_process(&process)?.ok_or_else(|| self.no_process())?;
        // The machine's network is shared with strangers, even if this process is elsewhere.
        let share = if namespace.is_own()? || namespace.is_of_an_ancestor()? {
            listening_ports(&process)?.ok_or_else(|| self.no_process())?
        } else {
            NetworkShare::Whole
        };
        *self.looked_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(namespace.id());
        Ok(share)
    }

    /// A result for one network must not be applied to another: a process with a network of its own may have ended
    /// since, and a script would run in the machine's network.
    fn still(&self, namespace: NetworkNamespace) -> Result<NetworkNamespace> {
        let looked_at = *self.looked_at.lock().unwrap_or_else(PoisonError::into_inner);
        if looked_at.is_none_or(|id| id == namespace.id()) {
            return Ok(namespace);
        }
        let what = "the target's network has changed since the look at it; nothing was run";
        Err(Error::new(ErrorKind::Conflict, what))
    }
}

#[async_trait]
impl Shell for ProcessShell {
    async fn inspect(&self, script: &Script) -> Result<Output> {
        let named = |error: Error| error.with("target", &self.target);
        let namespace = self.namespace().map_err(named)?;
        self.execute(script, &namespace).await.map_err(named)
    }

    async fn run(&self, script: &Script, _: &Permit) -> Result<Output> {
        let named = |error: Error| error.with("target", &self.target);
        let namespace = self.namespace().and_then(|namespace| self.still(namespace)).map_err(named)?;
        self.execute(script, &namespace).await.map_err(named)
    }

    async fn network(&self) -> Result<NetworkShare> {
        self.share().map_err(|error| error.with("target", &self.target))
    }
}

fn not_started(error: io::Error) -> Error {
    let what = match scarcity(&error) {
        Some(scarce) => format!("the shell for a script cannot be started for lack of {scarce}"),
        None => "this machine cannot start a script's shell".to_owned(),
    };
    Error::new(ErrorKind::Unavailable, what).caused_by(error)
}
