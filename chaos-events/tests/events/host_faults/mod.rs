//! The host faults, carried out for real: the scripts run on this machine, with the tools of a Debian and those of
//! busybox.

mod adversary;
mod cpu_burn;
mod cpu_quota;
mod disk_fill;
mod held;
mod machine;
mod network_blackhole;
mod scarcity;
mod scene;
mod undone_by_hand;
