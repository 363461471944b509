//! Groups of processes on this machine as chaos targets.
//!
//! - [`Fleet`] starts replicas of a command, checks their health and restarts what dies: the group that a test or a drill
//!   brings with it.
//! - [`Fleet::attach`] finds a fleet that another process runs, and [`Fleets`] finds any by the ids in a journal.
//! - [`Processes`] wraps processes that something else runs already.
//!
//! All of them can be terminated (SIGKILL), stopped and started (SIGSTOP, SIGCONT), and scripts run beside them; replicas of a
//! fleet can be rebooted too.
//!
//! # Which process
//!
//! A process is known by its process id together with the moment at which it started ([`ProcessIdentity`]), never by its name
//! or its bare id. A signal goes through a pidfd whose process was checked after it was opened: it reaches the right process or
//! nobody.
//!
//! # No stop outlives its deadline
//!
//! SIGSTOP lasts until somebody sends SIGCONT, and whoever should may be dead by then. So a stop starts a small shell process
//! first, the janitor, which outlives this one: it continues the process at the fault's deadline, and leaves as soon as anybody
//! has. Where it cannot be started, nothing is stopped. It needs `/bin/sh` and `sleep`, and shows the fault and the target
//! among its arguments.
//!
//! The janitor does not survive a `kill -9` of its own, nor whoever ends every process of a whole container or unit. Then what
//! the journal holds brings the process back.
//!
//! # Scripts
//!
//! The shell of a target is `/bin/sh` on this machine, run by this process as its own user: what a script burns, fills or cuts
//! off is this machine's, and only a network can be the target's alone. Its environment is its parameters, `LC_ALL=C` and a
//! `PATH` with the usual places; its standard input is `/dev/null`, its directory `/`, and it leads a process group.
//!
//! - *End.* A script ends when its shell exits, whoever still holds its outputs open then. One that a signal ended has the
//!   status 128 + the signal. What it printed that is not UTF-8 is replaced; more than 1 MiB of either output is an error, which
//!   says the status.
//! - *Time limit.* At its limit, and when whoever waits for it is dropped, its process group is killed. What it has put in a
//!   session of its own (`setsid`) stays, and so does a script whose injector was killed.
//! - *Network.* A script runs in the network namespace of the target's process. Where that is another than this process's, it
//!   takes root, and all of that network is the target's, unless an ancestor of this process is in it too. Otherwise the ports
//!   are the target's on which the process and its descendants listen at the time, TCP and UDP.
//! - *Between two lives* a script runs where the next process will: in the namespace that its fleet
//!   [names](FleetBuilder::network_namespace), or else in this process's own. One that changes something is refused where the
//!   target has left the network that its shell was last asked about.
//! - *Afterwards.* What scripts have left behind is reached also when the target is gone, and its fleet with it.

#[cfg(not(target_os = "linux"))]
compile_error!(
    "chaos-local needs Linux: pidfds, parent-death signals and /proc are how it knows its processes"
);

mod attached_fleet;
mod back_off;
mod fleet;
mod fleet_builder;
mod fleet_state;
mod fleets;
mod health_check;
mod identity;
mod janitor;
mod lifecycle;
mod listening_ports;
mod locate;
mod network_namespace;
mod orders;
mod output_tail;
mod own_directory;
mod place;
mod plan;
mod process_groups;
mod process_handle;
mod process_table;
mod processes;
mod replica_process;
mod running_script;
mod scarcity;
mod search_path;
mod shell;
mod spawner;
mod state_directory;
mod supervisor;
mod target;
mod template;

pub use attached_fleet::AttachedFleet;
pub use fleet::Fleet;
pub use fleet_builder::FleetBuilder;
pub use fleets::Fleets;
pub use health_check::HealthCheck;
pub use identity::{AsProcess, ProcessIdentity};
pub use process_groups::ProcessGroups;
pub use processes::{Processes, ProcessesBuilder};
