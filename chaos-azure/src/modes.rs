//! How a machine is stopped and rebooted, where Azure has more than one way.

/// What [`Stop`](chaos_core::capability::Lifecycle::stop) means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopMode {
    /// Powers off in an orderly way: the system is told to shut down. The machine keeps its host, its addresses and its
    /// temporary disk, and is paid for.
    #[default]
    Orderly,
    /// Powers off as when the power fails, without telling the system: `skipShutdown`.
    Abrupt,
    /// Shuts down and gives up the host. **That can lose**: a dynamic public address, the temporary disk and what was
    /// on it, and the host itself, so that a start fails where there is no capacity. Nothing is paid for meanwhile but
    /// its disks. A machine whose system disk is ephemeral cannot be deallocated.
    Deallocate,
}

/// What [`Reboot`](chaos_core::capability::Lifecycle::reboot) means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RebootMode {
    /// Restarts the system where it is.
    #[default]
    Restart,
    /// Shuts down, moves the machine to another host and starts it there. **That loses** the temporary disk and what
    /// was on it, and a dynamic public address; **of a machine whose system disk is ephemeral, all that was on it**.
    Redeploy,
}
