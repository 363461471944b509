//! Groups of processes on this machine as chaos targets.
//!
//! - [`Fleet`] starts replicas of a command, checks their health and restarts what dies: the group that a test or a
//!   drill brings with it.
//! - [`Fleet::attach`] finds a fleet that another process runs, and [`Fleets`] finds any by the ids in a journal.
//! - [`Processes`] wraps processes that something else runs already.
//!
//! All of them can be terminated (SIGKILL), stopped and started (SIGSTOP, SIGCONT), and scripts run beside them;
//! replicas of a fleet can be rebooted too.
//!
//! # Which process
//!
//! A process is known by its process id together with the moment at which it started ([`ProcessIdentity`]), never by
//! its name or its bare id. A signal goes through a pidfd whose process was checked after it was opened: it reaches the
//! right process or nobody. Across programs its id also says on which machine, in which boot and in which pid namespace
//! that means anything; what cannot be seen from here is an error, and never gone.
//!
//! A target is that process and all that belong to it: what it has started, and those that are in a process group or a
//! session that one of them leads. They are stopped, continued and ended together, what they start meanwhile too, and
//! the target is stopped as long as one of them is. What puts itself into a session of its own *and* loses its parent
//! is no longer found.
//!
//! # No stop outlives its deadline
//!
//! SIGSTOP lasts until somebody sends SIGCONT, and whoever should may be dead or frozen by then. So a small shell
//! process, the janitor, does the stopping, each time after a look at its clock: nothing is stopped past the fault's
//! deadline. It outlives this process and continues all at the deadline, or as soon as anybody continues one of them: a
//! stop ends as a whole. A second process beside it does the same where the first is killed or frozen, and where it
//! cannot look any more it continues by the process ids. Without a janitor nothing is stopped, and nothing terminated:
//! what is terminated is stopped before, so that none of it starts another. It needs `/bin/sh`, `sleep` and `/proc`,
//! and shows the fault and the target among its arguments, which nothing rests on.
//!
//! Both do not survive whoever ends every process of a whole container or unit. Then what the journal holds brings the
//! target back.
//!
//! # Scripts
//!
//! The shell of a target is `/bin/sh` on this machine, run by this process as its own user: what a script burns, fills
//! or cuts off is this machine's, and only a network can be the target's alone. Its environment is its parameters,
//! `LC_ALL=C` and a `PATH` with the usual places; its standard input is `/dev/null`, its directory `/`, and it leads a
//! process group.
//!
//! - *End.* A script ends when its shell exits, whoever still holds its outputs open then. One that a signal ended has
//!   the status 128 + the signal. What it printed that is not UTF-8 is replaced; more than 1 MiB of either output is an
//!   error, which says the status.
//! - *Time limit.* At its limit, and when whoever waits for it is dropped, its process group is killed. What it has put
//!   in a session of its own (`setsid`) stays, and so does a script whose injector was killed.
//! - *Network.* A script runs in the network namespace of the target's process. Where that is another than this
//!   process's, it takes root, and all of that network is the target's, unless an ancestor of this process is in it
//!   too. Otherwise the ports are the target's on which the process and its descendants listen at the time, TCP and
//!   UDP.
//! - *Between two lives* a script runs where the next process will: in the namespace that its fleet
//!   [names](FleetBuilder::network_namespace), or else in this process's own. One that changes something is refused
//!   where the target has left the network that its shell was last asked about.
//! - *Afterwards.* What scripts have left behind is reached also when the target is gone, and its fleet with it.

#[cfg(not(target_os = "linux"))]
compile_error!(
    "chaos-local needs Linux: pidfds, parent-death signals and /proc are how it knows its processes"
);

mod anywhere;
mod attached_fleet;
mod back_off;
mod by_hand;
mod fleet;
mod fleet_builder;
mod fleet_elsewhere;
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
