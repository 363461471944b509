use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
};

use chaos_core::{Error, ErrorKind, NetworkShare, Result};

use crate::{
    ProcessIdentity,
    identity::{ProcessStat, is_gone},
    process_handle::{Activity, ProcessHandle},
};

/// `TCP_LISTEN` of the kernel.
const LISTENING: &str = "0A";
/// `TCP_CLOSE` of the kernel, which is the state of a UDP socket that is not connected.
const UNCONNECTED: &str = "07";

/// The ports on which a process or any of its descendants listens now, ascending: TCP sockets that listen, and UDP sockets
/// that are bound and not connected. `None` where the process has ended.
///
/// Its descendants count because a wrapper's program and a server's workers serve for it.
///
/// # Errors
/// `Denied` where this user may not see which sockets one of them has open.
pub(crate) fn listening_ports(process: &ProcessHandle) -> Result<Option<NetworkShare>> {
    let root = process.identity();
    let mut sockets = BTreeSet::new();
    for member in family(root)? {
        sockets.append(&mut sockets_of(member)?);
    }
    let ports = |tables: [&str; 2], state: &str| -> Result<BTreeSet<u16>> {
        let mut ports = BTreeSet::new();
        for table in tables {
            match fs::read_to_string(format!("/proc/{}/net/{table}", root.pid())) {
                Ok(text) => {
                    ports.extend(text.lines().skip(1).filter_map(|line| port_of(line, state, &sockets)))
                }
                // A kernel without IPv6, or a process that has ended meanwhile.
                Err(error) if is_gone(&error) => {}
                Err(error) => {
                    return Err(unreadable("the sockets of this machine cannot be read", root, error));
                }
            }
        }
        Ok(ports)
    };
    let share = NetworkShare::ports(ports(["tcp", "tcp6"], LISTENING)?, ports(["udp", "udp6"], UNCONNECTED)?);
    Ok((process.activity()? != Activity::Ended).then_some(share))
}

/// A process and its descendants.
fn family(root: ProcessIdentity) -> Result<Vec<ProcessIdentity>> {
    let unlisted = |error| unreadable("the processes of this machine cannot be listed", root, error);
    let mut children: BTreeMap<u32, Vec<ProcessIdentity>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").map_err(unlisted)? {
        let name = entry.map_err(unlisted)?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some(stat) = ProcessStat::read(pid)? {
            children.entry(stat.parent).or_default().push(stat.identity(pid));
        }
    }
    let mut family = vec![root];
    let mut next = 0;
    while let Some(member) = family.get(next) {
        // Taken out, so that ids that were handed out anew meanwhile can make no circle.
        family.extend(children.remove(&member.pid()).unwrap_or_default());
        next += 1;
    }
    Ok(family)
}

/// The inodes of the sockets that a process has open; none where it has ended.
fn sockets_of(process: ProcessIdentity) -> Result<BTreeSet<u64>> {
    let failed = |error| unreadable("the sockets of a process cannot be seen", process, error);
    let entries = match fs::read_dir(format!("/proc/{}/fd", process.pid())) {
        Ok(entries) => entries,
        Err(error) if is_gone(&error) => return Ok(BTreeSet::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut sockets = BTreeSet::new();
    for entry in entries {
        let link = match entry.and_then(|entry| fs::read_link(entry.path())) {
            Ok(link) => link,
            // Closed meanwhile.
            Err(error) if is_gone(&error) => continue,
            Err(error) => return Err(failed(error)),
        };
        let inode = link.to_str().and_then(|link| link.strip_prefix("socket:[")?.strip_suffix(']'));
        sockets.extend(inode.and_then(|inode| inode.parse::<u64>().ok()));
    }
    // Looked at last: they may be those of another process that took over the id.
    let is_same =
        ProcessStat::read(process.pid())?.is_some_and(|stat| stat.identity(process.pid()) == process);
    Ok(if is_same { sockets } else { BTreeSet::new() })
}

/// The local port in a line of `/proc/PID/net/tcp` and the like, where the socket is in this state, without a peer, and one of
/// these.
fn port_of(line: &str, state: &str, sockets: &BTreeSet<u64>) -> Option<u16> {
    let fields: Vec<_> = line.split_ascii_whitespace().collect();
    let (local, peer) = (fields.get(1)?, fields.get(2)?);
    let inode = fields.get(9)?.parse().ok()?;
    let is_wanted = *fields.get(3)? == state && peer.ends_with(":0000") && sockets.contains(&inode);
    let port = u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok()?;
    (is_wanted && port != 0).then_some(port)
}

fn unreadable(what: &'static str, process: ProcessIdentity, error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => ErrorKind::Denied,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, what).with("process", process).caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_socket_that_listens_has_its_port_read() {
        let sockets = BTreeSet::from([7, 8]);
        let rest = "00000000:00000000 00:00000000 00000000     0        0";
        for (line, state, expected) in [
            (format!("0: 0100007F:1F90 00000000:0000 0A {rest} 7 1 0"), "0A", Some(8080)),
            (format!("0: 0100007F:1F90 00000000:0000 0A {rest} 9 1 0"), "0A", None),
            (format!("0: 0100007F:1F90 0100007F:D431 01 {rest} 7 1 0"), "0A", None),
            (
                format!(
                    "12: 00000000000000000000000000000000:0035 00000000000000000000000000000000:0000 07 {rest} 8 2 0"
                ),
                "07",
                Some(53),
            ),
            (format!("0: 0100007F:1F90 0100007F:0035 01 {rest} 8 2 0"), "07", None),
            (format!("0: 00000000:0000 00000000:0000 07 {rest} 8 2 0"), "07", None),
            ("0: 0100007F:1F90".to_owned(), "0A", None),
            (String::new(), "0A", None),
        ] {
            assert_eq!(port_of(&line, state, &sockets), expected, "{line:?}");
        }
    }
}
