use std::{
    io,
    os::unix::process::CommandExt,
    process::{self, Command, Stdio},
};

use chaos_core::{Error, ErrorKind, Result};
use rustix::{
    io::Errno,
    process::{Pid, Signal, getppid, set_parent_process_death_signal},
};

use crate::{
    client::{process_handle::ProcessHandle, scarcity::scarcity},
    discovery::fleet_elsewhere,
    fleet::{output_tail::OutputTail, plan::Plan, replica_process::ReplicaProcess, template::substitute},
};

/// Starts one replica. The replica dies when the calling thread ends, so call this only from the fleet's thread.
pub(crate) fn spawn(plan: &Plan, index: usize, port: u16) -> Result<ReplicaProcess> {
    let (tail, outputs) = match plan.log_of(index) {
        Some(path) => OutputTail::to_file(&path)?,
        None => OutputTail::piped()?,
    };
    let mut command = Command::new(&plan.program);
    command
        .args(plan.arguments.iter().map(|argument| substitute(argument, index, port)))
        .envs(plan.environment.iter().map(|(key, value)| (key, substitute(value, index, port))))
        // A fleet without a state directory can be found only by this.
        .envs(plan.state_directory.is_none().then_some((fleet_elsewhere::MARK, plan.name.as_str())))
        .stdin(Stdio::null())
        .stdout(outputs.stdout)
        .stderr(outputs.stderr)
        // A Ctrl-C on the terminal is for the fleet's owner, which may have a fault to recover first.
        .process_group(0);
    if let Some(namespace) = plan.namespace(index)? {
        namespace.enter_before_exec(&mut command);
    }
    die_with_this_thread(&mut command);
    let mut child = command.spawn().map_err(|error| not_started(plan, error))?;
    match ProcessHandle::of_child(&child) {
        Ok(handle) => Ok(ReplicaProcess::new(handle, tail)),
        Err(error) => {
            // A process that cannot be watched must not stay. It is our own child and not waited for, so its id is its
            // own.
            let _ = child.kill();
            let _ = child.wait();
            Err(error)
        }
    }
}

#[expect(unsafe_code, reason = "no safe interface sets the parent-death signal of a child")]
fn die_with_this_thread(command: &mut Command) {
    let parent = i32::try_from(process::id()).ok().and_then(Pid::from_raw);
    let prepare = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // If the parent died before that was set, no signal comes.
        if getppid() == parent { Ok(()) } else { Err(io::Error::from(Errno::SRCH)) }
    };
    // SAFETY: between fork and exec this makes two system calls. It allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(prepare);
    }
}

fn not_started(plan: &Plan, error: io::Error) -> Error {
    let program = format!("{:?}", plan.program);
    match scarcity(&error) {
        Some(scarce) => {
            Error::new(ErrorKind::Unavailable, format!("a replica cannot be started for lack of {scarce}"))
                .with("program", program)
                .caused_by(error)
        }
        None => Error::invalid("program", program, "a program that can be started").caused_by(error),
    }
}
