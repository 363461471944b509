use std::{collections::BTreeMap, fs, process};

use chaos_core::{Error, ErrorKind, Result};

use crate::model::identity::{ProcessIdentity, ProcessStat};

/// All processes of this machine at one moment, as far as this user may see them.
#[derive(Debug)]
pub(crate) struct ProcessTable(BTreeMap<u32, ProcessStat>);

impl ProcessTable {
    /// # Errors
    /// `Unavailable` if `/proc` does not show at least this process.
    pub(crate) fn read() -> Result<Self> {
        let unavailable = |error: std::io::Error| {
            Error::new(ErrorKind::Unavailable, "the list of processes cannot be read").caused_by(error)
        };
        let mut processes = BTreeMap::new();
        for entry in fs::read_dir("/proc").map_err(unavailable)? {
            let name = entry.map_err(unavailable)?.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            match ProcessStat::read(pid) {
                Ok(Some(stat)) => drop(processes.insert(pid, stat)),
                Ok(None) => {}
                // A process of another user, if /proc hides those.
                Err(error) if error.kind() == ErrorKind::Denied => {}
                Err(error) => return Err(error),
            }
        }
        if !processes.contains_key(&process::id()) {
            let what = "the list of processes lacks this process; is /proc the one of another container?";
            return Err(Error::new(ErrorKind::Unavailable, what).with("pid", process::id()));
        }
        Ok(Self(processes))
    }

    /// The live processes that belong to a process, itself first if it is alive: its descendants, and orphans that are
    /// still in a process group or a session that one of them leads. Never this very process.
    ///
    /// Empty if the process no longer exists.
    pub(crate) fn tree(&self, root: ProcessIdentity) -> Vec<ProcessIdentity> {
        if self.0.get(&root.pid()).is_none_or(|stat| stat.start_time != root.start_time()) {
            return Vec::new();
        }
        // A process that has ended counts until its parent has waited for it, because its group may be alive.
        let mut pids = vec![root.pid()];
        let mut looked_at = 0;
        while looked_at < pids.len() {
            let known = pids.len();
            let belongs = |pid: &u32, stat: &ProcessStat| {
                let to = &pids[looked_at..known];
                *pid != process::id()
                    && !pids.contains(pid)
                    && [stat.parent, stat.group, stat.session].iter().any(|leader| to.contains(leader))
            };
            let found: Vec<u32> =
                self.0.iter().filter(|(pid, stat)| belongs(pid, stat)).map(|(pid, _)| *pid).collect();
            looked_at = known;
            pids.extend(found);
        }
        let living = |pid: u32| {
            let stat = self.0.get(&pid)?;
            stat.is_alive().then(|| stat.identity(pid))
        };
        pids.into_iter().filter_map(living).collect()
    }
}

/// This process and its ancestors, up to the first process of the machine or container.
pub(crate) fn own_line() -> Result<Vec<ProcessIdentity>> {
    let mut line = Vec::new();
    let mut pid = process::id();
    while pid != 0
        && let Some(stat) = ProcessStat::read(pid)?
    {
        line.push(stat.identity(pid));
        pid = stat.parent;
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(state: char, parent: u32, group: u32, session: u32, threads: u32) -> ProcessStat {
        ProcessStat { state, parent, group, session, threads, start_time: 7 }
    }

    #[test]
    fn a_tree_is_what_was_started_and_what_is_in_groups_that_it_leads() {
        let table = ProcessTable(BTreeMap::from([
            (1, stat('S', 0, 1, 1, 1)),
            (10, stat('S', 1, 10, 1, 1)),
            // A child with a group of its own, and one of that group whose parent is gone.
            (12, stat('S', 10, 12, 1, 1)),
            (11, stat('T', 1, 12, 1, 1)),
            // Its grandchild has wrapped around.
            (3, stat('S', 11, 12, 1, 1)),
            // Dead and not waited for, but processes of its session are alive.
            (13, stat('Z', 10, 13, 13, 1)),
            (14, stat('S', 1, 14, 13, 1)),
            // Only its first thread has ended.
            (15, stat('Z', 10, 10, 1, 3)),
            // Strangers: beside it, and in the group that it was started in.
            (20, stat('S', 1, 20, 1, 1)),
            (21, stat('S', 1, 1, 1, 1)),
        ]));
        let root: ProcessIdentity = "10.7".parse().unwrap();
        let mut pids: Vec<u32> = table.tree(root).into_iter().map(ProcessIdentity::pid).collect();
        assert_eq!(pids[0], 10);
        pids.sort_unstable();
        assert_eq!(pids, [3, 10, 11, 12, 14, 15]);
        assert_eq!(table.tree("10.8".parse().unwrap()), []);
        assert_eq!(table.tree("99.7".parse().unwrap()), []);
    }

    #[test]
    fn this_process_is_no_part_of_what_started_it() {
        let line = own_line().unwrap();
        assert_eq!(line[0].pid(), process::id());
        let table = ProcessTable::read().unwrap();
        assert!(table.tree(line[1]).iter().all(|process| process.pid() != process::id()));
        assert_eq!(line.last().unwrap().pid(), 1);
    }
}
