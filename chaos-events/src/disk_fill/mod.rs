//! Disk fill: fills a file system on a target's machine for a while.

mod amount;
mod disk_fill;
mod free_space;
mod script;
mod space;
mod spec;

pub use disk_fill::DiskFill;
pub use free_space::FreeSpace;
