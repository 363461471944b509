//! The modes in which Azure can stop and reboot a machine.

/// The meaning of [`stop`](chaos_core::capability::Lifecycle::stop).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopMode {
    /// Powers off in an orderly way: the system shuts down. The machine keeps its host, its addresses and its temporary
    /// disk, and is billed.
    #[default]
    Orderly,
    /// Powers off abruptly, like a power failure, without telling the system: `skipShutdown`.
    Abrupt,
    /// Shuts down and releases the host. **That can lose** a dynamic public address, the temporary disk with its
    /// contents, and the host itself, so a start fails if there is no capacity. Meanwhile only its disks are billed. A
    /// machine whose system disk is ephemeral cannot be deallocated.
    Deallocate,
}

/// The meaning of [`reboot`](chaos_core::capability::Lifecycle::reboot).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RebootMode {
    /// Restarts the system on the same host.
    #[default]
    Restart,
    /// Shuts down, moves the machine to another host and starts it there. **That loses** the temporary disk with its
    /// contents, and a dynamic public address; **if the system disk is ephemeral, it loses everything on that disk**.
    Redeploy,
}
