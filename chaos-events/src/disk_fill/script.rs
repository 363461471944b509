use crate::host_script::HostScript;

/// The script that takes the space on a target, and gives it back.
pub(super) const SCRIPT: HostScript = HostScript {
    event: "disk-fill",
    program: concat!(include_str!("fill_file.sh"), include_str!("disk_fill.sh")),
};
