use crate::host_script::HostScript;

/// The script that keeps the cores of a target busy, and stops.
pub(super) const SCRIPT: HostScript = HostScript { event: "cpu-burn", program: include_str!("cpu_burn.sh") };
