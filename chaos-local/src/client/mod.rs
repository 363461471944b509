//! The calls to the operating system.

pub(crate) mod health_check;
pub(crate) mod janitor;
pub(crate) mod listening_ports;
pub(crate) mod network_namespace;
pub(crate) mod own_directory;
pub(crate) mod process_handle;
pub(crate) mod process_table;
pub(crate) mod running_script;
pub(crate) mod scarcity;
pub(crate) mod search_path;
