//! Finding and ending processes by the mark in their environment.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// The variable that carries the mark.
pub(super) const VARIABLE: &str = "CHAOS_FAKE_ARM";

/// The processes whose mark begins like this.
pub(super) fn marked(mark: &str) -> Vec<Pid> {
    let wanted = format!("{VARIABLE}={mark}").into_bytes();
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter(|process| {
            // Those of other users cannot be read, and a process may end meanwhile.
            fs::read(format!("/proc/{process}/environ"))
                .is_ok_and(|environ| environ.split(|&byte| byte == 0).any(|entry| entry.starts_with(&wanted)))
        })
        .filter_map(Pid::from_raw)
        .collect()
}

/// Ends them, and all processes that they start meanwhile.
pub(super) fn kill_marked(mark: &str) {
    loop {
        let found = marked(mark);
        if found.is_empty() {
            return;
        }
        for process in found {
            let _ = kill_process(process, Signal::KILL);
        }
    }
}
