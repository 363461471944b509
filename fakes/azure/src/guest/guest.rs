//! One machine, as far as scripts can tell.

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
/// SIGCHLD, so that the kernel also buries what is left to it.
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
    /// None where there are no namespaces.
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
            // What makes the namespaces and enters them is not of the machine.
            .filter(|process| Some(*process) != first)
            .filter(|process| outside.is_none() || space(&process.to_string()) != outside)
            .collect()
    }

    /// Starts a script, unless `is_wanted` says no in the last moment. It ends with the shell that runs it, whatever
    /// that leaves behind: outputs go to files.
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
        // The shell writes the file itself: were it open for writing in this process, a child that another thread
        // starts just then would hold a copy, and nobody could run the script.
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
            // One that is killed meanwhile reads no further.
            let _ = stdin.write_all(text.as_bytes());
        }
        Ok(Some(child))
    }

    /// Whether its agent can talk to Azure, as far as its own network goes.
    pub(super) fn reaches_azure(&self) -> bool {
        match (&self.network, self.namespace()) {
            (Some(network), Some(namespace)) => network.reaches_azure(&namespace),
            _ => true,
        }
    }

    /// Ends all that runs on it, and its network with its rules. Files stay.
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

    /// Starts it where it is not up, and tells its first process; none where there are no namespaces.
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
