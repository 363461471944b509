use std::{
    env, io,
    io::{PipeWriter, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::CommandExt,
    },
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use chaos_core::clock::Clock;
use rustix::{
    fs::{OFlags, fcntl_setfl, fstat},
    process::Pid,
};
use tokio::net::unix::pipe::Receiver;

const SCRIPT: &str = include_str!("guard.sh");

/// How long it may take to get ready.
const READY_WITHIN: Duration = Duration::from_secs(10);

/// A shell beside this process that kills the groups of activities if this process is killed. It is in a process group
/// of its own, and the signals of a terminal do not reach it. If you drop it, it exits.
///
/// A death signal of the kernel (`PR_SET_PDEATHSIG`) is no help: it comes when the thread ends that started the child.
#[derive(Debug)]
pub(super) struct Guard {
    shell: Mutex<Option<Child>>,
    /// Closed when this process executes another program, so no activity holds it open.
    orders: Option<PipeWriter>,
}

/// The pipe by which the guard finds a process whose group it has not been told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark(u64);

impl Mark {
    pub(super) fn of(pipe: &impl AsFd) -> io::Result<Self> {
        Ok(Self(fstat(pipe)?.st_ino))
    }
}

impl Guard {
    /// Returns when it is ready.
    pub(super) async fn start(clock: &dyn Clock) -> io::Result<Self> {
        Self::start_by(Command::new("/bin/sh"), clock).await
    }

    async fn start_by(mut shell: Command, clock: &dyn Clock) -> io::Result<Self> {
        let (input, orders) = io::pipe()?;
        // A guard that is stopped must not stop this process.
        fcntl_setfl(&orders, OFlags::NONBLOCK)?;
        let (ready, output) = io::pipe()?;
        shell.args(["-c", SCRIPT, "chaos-guard"]).env_clear().current_dir("/").process_group(0);
        shell.env("PATH", env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into()));
        shell.stdin(input).stdout(output).stderr(Stdio::null());
        let guard = Self { shell: Mutex::new(Some(shell.spawn()?)), orders: Some(orders) };
        // It holds the other ends.
        drop(shell);
        let ready = Receiver::from_owned_fd(OwnedFd::from(ready))?;
        tokio::select! {
            biased;
            read = said(&ready) => match &*read? {
                b"ready\n" => Ok(guard),
                _ => Err(io::Error::other("it ended before it was ready")),
            },
            () = clock.sleep(READY_WITHIN) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// A process is about to start.
    ///
    /// # Errors
    /// If the guard has died. Then nothing may start.
    pub(super) fn starting(&self, mark: Mark) -> io::Result<()> {
        self.order(&format!("?{}\n", mark.0))
    }

    /// It has started.
    ///
    /// # Errors
    /// If the guard has died. Then the group must be killed.
    pub(super) fn started(&self, mark: Mark, group: Pid) -> io::Result<()> {
        self.order(&format!("+{} {}\n", group.as_raw_pid(), mark.0))
    }

    /// It was not started.
    pub(super) fn not_started(&self, mark: Mark) {
        // No process will ever be found by it.
        let _ = self.order(&format!("!{}\n", mark.0));
    }

    /// The leader of a group has ended. Called while the id is still its own.
    pub(super) fn ended(&self, group: Pid) {
        if self.order(&format!("-{}\n", group.as_raw_pid())).is_err() {
            // It would kill whoever gets the id later.
            if let Some(shell) = &mut *self.shell.lock().unwrap_or_else(PoisonError::into_inner) {
                let _ = shell.kill();
            }
        }
    }

    /// A line is shorter than what a pipe takes at once.
    fn order(&self, line: &str) -> io::Result<()> {
        let mut orders = self.orders.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        orders.write_all(line.as_bytes())
    }
}

async fn said(ready: &Receiver) -> io::Result<Vec<u8>> {
    let mut said = Vec::new();
    while !said.ends_with(b"\n") {
        let mut buffer = [0; 16];
        ready.readable().await?;
        match ready.try_read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => said.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(said)
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.orders = None;
        let Some(mut shell) = self.shell.get_mut().unwrap_or_else(PoisonError::into_inner).take() else {
            return;
        };
        // It exits by itself; this only spares a zombie.
        let reaper = thread::Builder::new().name("chaos-reaper".to_owned());
        let _ = reaper.spawn(move || shell.wait());
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Read, os::unix::process::ExitStatusExt};

    use chaos_core::clock::SystemClock;
    use rustix::process::{Signal, kill_process};

    use super::*;

    /// A process in a group of its own, and its output.
    fn sleeper() -> (Child, io::PipeReader, Mark) {
        let (reader, writer) = io::pipe().unwrap();
        let mark = Mark::of(&writer).unwrap();
        let child = Command::new("sleep").arg("600").process_group(0).stdout(writer).spawn().unwrap();
        (child, reader, mark)
    }

    fn id(child: &Child) -> Pid {
        Pid::from_child(child)
    }

    async fn guards() -> Vec<Guard> {
        let mut busybox = Command::new("busybox");
        busybox.arg("sh");
        let mut guards = Vec::new();
        for shell in [Command::new("/bin/sh"), busybox] {
            guards.push(Guard::start_by(shell, &SystemClock::default()).await.unwrap());
        }
        guards
    }

    #[tokio::test]
    async fn what_has_not_ended_is_killed_after_the_end_of_the_orders() {
        for guard in guards().await {
            let (mut told, _out, mark) = sleeper();
            guard.starting(mark).unwrap();
            guard.started(mark, id(&told)).unwrap();
            // The program was killed between the start and the next order.
            let (mut starting, _starting_out, mark) = sleeper();
            guard.starting(mark).unwrap();
            let (mut ended, _ended_out, mark) = sleeper();
            guard.starting(mark).unwrap();
            guard.started(mark, id(&ended)).unwrap();
            guard.ended(id(&ended));
            let (mut failed, _failed_out, mark) = sleeper();
            guard.starting(mark).unwrap();
            guard.not_started(mark);
            let mut shell = guard.shell.lock().unwrap().take().unwrap();
            for signal in [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM] {
                kill_process(id(&shell), signal).unwrap();
            }
            assert_eq!(shell.try_wait().unwrap(), None);
            drop(guard);
            for child in [&mut told, &mut starting] {
                assert_eq!(child.wait().unwrap().signal(), Some(9));
            }
            assert_eq!(shell.wait().unwrap().into_raw(), 0);
            for child in [&mut ended, &mut failed] {
                assert_eq!(child.try_wait().unwrap(), None);
                child.kill().unwrap();
                child.wait().unwrap();
            }
        }
    }

    #[tokio::test]
    async fn a_guard_that_cannot_start_or_has_died_is_told() {
        let missing = Guard::start_by(Command::new("/no/such/shell"), &SystemClock::default()).await;
        assert_eq!(missing.unwrap_err().kind(), io::ErrorKind::NotFound);
        let no_shell = Guard::start_by(Command::new("false"), &SystemClock::default()).await;
        assert!(no_shell.unwrap_err().to_string().contains("before it was ready"));
        for guard in guards().await {
            let (mut sleeper, mut out, mark) = sleeper();
            let mut shell = guard.shell.lock().unwrap().take().unwrap();
            shell.kill().unwrap();
            shell.wait().unwrap();
            assert_eq!(guard.starting(mark).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
            sleeper.kill().unwrap();
            sleeper.wait().unwrap();
            assert_eq!(out.read(&mut [0]).unwrap(), 0);
        }
    }

    #[tokio::test]
    async fn orders_in_any_order_keep_the_list() {
        for guard in guards().await {
            let (mut kept, _out, mark) = sleeper();
            guard.starting(mark).unwrap();
            guard.started(mark, id(&kept)).unwrap();
            for _ in 0..100 {
                for group in [2_000_000_001, 2_000_000_002, 2_000_000_003] {
                    guard.starting(Mark(1)).unwrap();
                    guard.started(Mark(1), Pid::from_raw(group).unwrap()).unwrap();
                }
                for group in [2_000_000_002, 2_000_000_001, 2_000_000_003, 2_000_000_004] {
                    guard.ended(Pid::from_raw(group).unwrap());
                }
            }
            drop(guard);
            assert_eq!(kept.wait().unwrap().signal(), Some(9));
        }
    }
}
