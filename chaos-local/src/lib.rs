//! Groups of processes on this machine as chaos targets.
//!
//! - [`Fleet`] starts replicas of a command, checks their health and restarts those that die. It is a group for a test
//!   or a drill.
//! - [`Fleet::attach`] finds a fleet that another process runs, and [`Fleets`] finds any fleet by the ids in a journal.
//! - [`Processes`] wraps processes that something else already runs.
//!
//! All of them can be terminated (SIGKILL), stopped and started (SIGSTOP, SIGCONT), and scripts can run beside them.
//! Replicas of a fleet can be rebooted too.
//!
//! # Identity
//!
//! A process is identified by its process id together with its start time ([`ProcessIdentity`]), never by its name or
//! its bare id. A signal goes through a pidfd, and the process is checked after the pidfd was opened: the signal
//! reaches the right process or none. Across programs, the id also names the machine, the boot and the pid namespace in
//! which it is valid. A process that cannot be seen from here is an error, and never considered gone.
//!
//! A target is that process and all processes that belong to it: its descendants, and the processes in a process group
//! or a session that one of them leads. They are stopped, continued and ended together, including those that they start
//! meanwhile, and the target is stopped as long as one of them is. A process that puts itself into a session of its own
//! *and* loses its parent is no longer found.
//!
//! # No stop outlives its deadline
//!
//! SIGSTOP lasts until somebody sends SIGCONT, and the process that should send it may be dead or frozen by then. So a
//! dead-man switch, a small shell process called the janitor, stops the processes. It looks at its clock before each of
//! them, so nothing is stopped after the fault's deadline. The janitor outlives this process. It continues all of them
//! at the deadline, or as soon as anybody continues one of them, so a stop ends as a whole. A second process beside it
//! does the same if the first is killed or frozen; if it can no longer look, it continues them by their process ids.
//! Without a janitor, nothing is stopped and nothing is terminated: processes are stopped before they are terminated,
//! so none of them starts another. The janitor needs `/bin/sh`, `sleep` and `/proc`. It shows the fault and the target
//! among its arguments, for information only.
//!
//! If every process of a whole container or unit is killed, neither survives. Then a replay of the journal brings the
//! target back.
//!
//! # Scripts
//!
//! The shell of a target is `/bin/sh` on this machine, run by this process as its own user. A script burns, fills or
//! cuts off resources of this machine; only a network can be the target's alone. Its environment consists of its
//! parameters, `LC_ALL=C` and a `PATH` with the usual places. Its standard input is `/dev/null`, its directory is `/`,
//! and it leads a process group.
//!
//! - *End.* A script ends when its shell exits, even if other processes still hold its outputs open. If a signal ended
//!   it, its status is 128 + the signal. Output that is not UTF-8 is replaced. More than 1 MiB of either output is an
//!   error that contains the status.
//! - *Time limit.* At its time limit, and when the waiting call is dropped, its process group is killed. Processes that
//!   it has put in a session of their own (`setsid`) stay, and so does a script if its injector was killed.
//! - *Network.* A script runs in the network namespace of the target's process. If that is not this process's
//!   namespace, it needs root, and all of that network belongs to the target, unless an ancestor of this process is in
//!   it too. Otherwise the target's part of the network is the TCP and UDP ports on which the process and its
//!   descendants listen at that time.
//! - *Between two lives.* A script runs in the network of the next process: in the namespace that its fleet
//!   [names](FleetBuilder::network_namespace), or else in this process's own. A script that changes something is
//!   refused if the target has left the network that its shell was last asked about.
//! - *Afterwards.* Effects of scripts can still be reached when the target is gone, and even when its fleet is gone.
//!
//! # Other systems
//!
//! All of this needs Linux. On other systems the crate compiles with the same names, so a program with local drills
//! does too. It returns an error of kind `Unsupported` if a process is needed.

#[cfg(target_os = "linux")]
mod capability;
#[cfg(target_os = "linux")]
mod client;
#[cfg(target_os = "linux")]
mod discovery;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod fleet;
#[cfg(target_os = "linux")]
mod fleets;
#[cfg(target_os = "linux")]
mod local_provider;
#[cfg(target_os = "linux")]
mod model;
#[cfg(target_os = "linux")]
mod process_groups;
#[cfg(target_os = "linux")]
mod processes;

#[cfg(target_os = "linux")]
pub use client::health_check::HealthCheck;
#[cfg(not(target_os = "linux"))]
pub use elsewhere::{
    AsProcess, AttachedFleet, Fleet, FleetBuilder, Fleets, HealthCheck, ProcessGroups, ProcessIdentity,
    Processes, ProcessesBuilder,
};
#[cfg(target_os = "linux")]
pub use fleet::Fleet;
#[cfg(target_os = "linux")]
pub use fleet::attached_fleet::AttachedFleet;
#[cfg(target_os = "linux")]
pub use fleet::fleet_builder::FleetBuilder;
#[cfg(target_os = "linux")]
pub use fleets::Fleets;
#[cfg(target_os = "linux")]
pub use local_provider::LocalProvider;
#[cfg(target_os = "linux")]
pub use model::identity::{AsProcess, ProcessIdentity};
#[cfg(target_os = "linux")]
pub use process_groups::ProcessGroups;
#[cfg(target_os = "linux")]
pub use processes::{Processes, ProcessesBuilder};
