//! One machine, as scripts see it.

use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    net::Ipv4Addr,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    network::Network,
    processes::{VARIABLE, kill_marked, marked},
};

const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Its first process ends with the pipe that the fake holds, and the kernel ends all others with it. It ignores
/// SIGCHLD, so the kernel also reaps the orphans that it inherits.
const INIT: [&str; 12] = [
    "unshare",
    "--pid",
    "--mount",
    "--propagation=slave",
    "--mount-proc",
    "--fork",
    "--kill-child",
    "env",
    "--ignore-signal=CHLD",
    "sh",
    "-c",
    "echo up; exec cat >/dev/null",
];

/// A machine. It is up from the first script on until it is stopped or removed.
#[derive(Debug)]
pub(super) struct Guest {
    directory: PathBuf,
    address: Ipv4Addr,
    mark: String,
    /// `None` if there are no namespaces.
    network: Option<Arc<Network>>,
    up: Mutex<Option<Up>>,
}

/// The namespaces of a machine that is up.
#[derive(Debug)]
struct Up {
    namespace: String,
    /// `unshare`, whose only child is the machine's first process.
    init: Child,
}

impl Guest {
    pub(super) fn new(
        directory: PathBuf,
        address: Ipv4Addr,
        mark: String,
        network: Option<Arc<Network>>,
    ) -> Self {
        Self { directory, address, mark, network, up: Mutex::new(None) }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn namespace(&self) -> Option<String> {
        self.lock().as_ref().map(|up| up.namespace.clone())
    }

    pub(super) fn processes(&self) -> Vec<i32> {
        let space = |process: &str| fs::read_link(format!("/proc/{process}/ns/pid")).ok();
        let (first, outside) = {
            let up = self.lock();
            (up.as_ref().and_then(Up::first_process), up.as_ref().and(space("self")))
        };
        marked(&self.mark)
            .into_iter()
            .map(|process| process.as_raw_nonzero().get())
            // The processes that make and enter the namespaces do not belong to the machine.
            .filter(|process| Some(*process) != first)
            .filter(|process| outside.is_none() || space(&process.to_string()) != outside)
            .collect()
    }

    /// Starts a script, unless `is_wanted` says no at the last moment. Outputs go to files, so the script ends with the
    /// shell that runs it, even if that leaves processes behind.
    pub(super) fn start(
        &self,
        directory: &Path,
        text: &str,
        is_wanted: impl FnOnce() -> bool,
    ) -> io::Result<Option<Child>> {
        let mut up = self.lock();
        if !is_wanted() {
            return Ok(None);
        }
        fs::create_dir_all(directory)?;
        let mut command = match self.enter(&mut up)? {
            None => Command::new("/bin/sh"),
            Some(first) => {
                let mut command = Command::new("nsenter");
                command
                    .arg(format!("--target={first}"))
                    .args(["--net", "--mount", "--pid", "--", "setsid", "/bin/sh"]);
                command
            }
        };
        let shell = if Path::new("/bin/bash").exists() { "/bin/bash" } else { "/bin/sh" };
        // The shell writes the file itself. If it were open for writing in this process, a child that another thread
        // starts just then would hold a copy, and the script could not be run.
        let prologue = "cd -- \"$2\" && cat >script.sh && chmod 500 script.sh && \
                        exec \"$1\" -c \"$PWD/script.sh\" </dev/null >stdout 2>stderr";
        self.surround(&mut command);
        let mut child = command
            .args(["-c", prologue, "run-command", shell])
            .arg(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        drop(up);
        if let Some(mut stdin) = child.stdin.take() {
            // A shell that is killed meanwhile reads no further.
            let _ = stdin.write_all(text.as_bytes());
        }
        Ok(Some(child))
    }

    /// Whether its own network lets its agent talk to Azure.
    pub(super) fn reaches_azure(&self) -> bool {
        match (&self.network, self.namespace()) {
            (Some(network), Some(namespace)) => network.reaches_azure(&namespace),
            _ => true,
        }
    }

    /// Ends all its processes, and its network with its rules. Files stay.
    pub(super) fn stop(&self) {
        let mut up = self.lock();
        if let Some(Up { namespace, mut init }) = up.take() {
            drop(init.stdin.take());
            let _ = init.wait();
            kill_marked(&self.mark);
            if let Some(network) = &self.network {
                network.unplug(&namespace);
            }
        } else {
            kill_marked(&self.mark);
        }
    }

    /// Starts it if it is not up, and returns its first process; `None` if there are no namespaces.
    fn enter(&self, up: &mut Option<Up>) -> io::Result<Option<i32>> {
        let Some(network) = &self.network else { return Ok(None) };
        if up.is_none() {
            let namespace = network.plug(self.address)?;
            let mut command = Command::new("ip");
            self.surround(&mut command);
            let mut init = command
                .args(["netns", "exec", namespace.as_str()])
                .args(INIT)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .process_group(0)
                .spawn()?;
            let mut line = String::new();
            if let Some(stdout) = init.stdout.take() {
                BufReader::new(stdout).read_line(&mut line)?;
            }
            *up = Some(Up { namespace, init });
            if line != "up\n" {
                return Err(io::Error::other("the namespaces of a machine cannot be made"));
            }
        }
        let first = up.as_ref().and_then(Up::first_process);
        first.map(Some).ok_or_else(|| io::Error::other("the first process of a machine has ended"))
    }

    fn surround(&self, command: &mut Command) {
        command.env_clear().env("PATH", SEARCH_PATH).env("HOME", "/root").env(VARIABLE, &self.mark);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Up>> {
        self.up.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Up {
    fn first_process(&self) -> Option<i32> {
        let init = self.init.id();
        let children = fs::read_to_string(format!("/proc/{init}/task/{init}/children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    }
}
