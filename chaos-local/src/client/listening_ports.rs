use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use chaos_core::{Error, ErrorKind, Result, capability::NetworkShare};

use crate::{
    client::process_handle::{Activity, ProcessHandle},
    model::identity::{ProcessIdentity, ProcessStat, is_gone},
};

/// `TCP_LISTEN` of the kernel.
const LISTENING: &str = "0A";
/// `TCP_CLOSE` of the kernel, which is the state of a UDP socket that is not connected.
const UNCONNECTED: &str = "07";

/// The addresses and ports on which a process or any of its descendants listens now: listening TCP sockets, and UDP
/// sockets that are bound and not connected. `None` if the process has ended.
///
/// Its descendants count because a wrapper's program and a server's workers serve for it. Its outgoing connections do
/// not count: each uses another port.
///
/// # Errors
/// `Denied` if this user may not see the open sockets of one of them.
pub(crate) fn listening_ports(process: &ProcessHandle) -> Result<Option<NetworkShare>> {
    let root = process.identity();
    let mut own = BTreeSet::new();
    for member in family(root)? {
        own.append(&mut sockets_of(member)?);
    }
    let tcp = share_of(&bound(root, ["tcp", "tcp6"], LISTENING)?, &own);
    let udp = share_of(&bound(root, ["udp", "udp6"], UNCONNECTED)?, &own);
    Ok((process.activity()? != Activity::Ended).then(|| NetworkShare::sockets(tcp, udp)))
}

/// A socket that accepts any peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bound {
    address: SocketAddr,
    inode: u64,
}

/// Every such socket in the network of a process, whichever process owns it.
fn bound(process: ProcessIdentity, tables: [&str; 2], state: &str) -> Result<Vec<Bound>> {
    let mut sockets = Vec::new();
    for table in tables {
        match fs::read_to_string(format!("/proc/{}/net/{table}", process.pid())) {
            Ok(text) => sockets.extend(text.lines().skip(1).filter_map(|line| Bound::read(line, state))),
            // The kernel has no IPv6, or the process has ended meanwhile.
            Err(error) if is_gone(&error) => {}
            Err(error) => {
                return Err(unreadable("the sockets of this machine cannot be read", process, error));
            }
        }
    }
    Ok(sockets)
}

/// The addresses of the sockets with these inodes.
fn share_of(bound: &[Bound], own: &BTreeSet<u64>) -> Vec<SocketAddr> {
    let is_own = |socket: &&Bound| own.contains(&socket.inode);
    let mut share: Vec<_> = bound.iter().filter(is_own).map(|socket| socket.address).collect();
    // A socket on all IPv6 addresses usually serves IPv4 as well. The tables do not tell. But if another process has
    // the port over IPv4, this socket does not serve it, or not alone.
    let of_strangers: BTreeSet<u16> = bound
        .iter()
        .filter(|socket| !is_own(socket) && socket.address.ip().to_canonical().is_ipv4())
        .map(|socket| socket.address.port())
        .collect();
    let everywhere = share.iter().filter(|address| address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED));
    let over_v4: Vec<_> = everywhere
        .filter(|address| !of_strangers.contains(&address.port()))
        .map(|address| SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port())))
        .collect();
    share.extend(over_v4);
    share
}

impl Bound {
    /// The socket in a line of `/proc/PID/net/tcp` or a similar file, if it is in this state and has no peer.
    fn read(line: &str, state: &str) -> Option<Self> {
        let fields: Vec<_> = line.split_ascii_whitespace().collect();
        let (local, peer) = (fields.get(1)?, fields.get(2)?);
        let inode = fields.get(9)?.parse().ok()?;
        let (address, port) = local.rsplit_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        let is_wanted = *fields.get(3)? == state && peer.ends_with(":0000") && port != 0;
        let address = SocketAddr::new(address_in(address)?, port);
        is_wanted.then_some(Self { address, inode })
    }
}

/// In the kernel's format: words of 32 bits, in the byte order of the machine.
fn address_in(text: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(text.get(8 * at..8 * at + 8)?, 16).ok().map(u32::to_ne_bytes);
    match text.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let mut octets = [0; 16];
            for (at, place) in octets.chunks_exact_mut(4).enumerate() {
                place.copy_from_slice(&word(at)?);
            }
            Some(Ipv6Addr::from(octets).into())
        }
        _ => None,
    }
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
        // Ids are removed, because ids that were reused meanwhile could form a cycle.
        family.extend(children.remove(&member.pid()).unwrap_or_default());
        next += 1;
    }
    Ok(family)
}

/// The inodes of the open sockets of a process; none if it has ended.
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
    // Checked last, because they may belong to another process that has the id now.
    let is_same =
        ProcessStat::read(process.pid())?.is_some_and(|stat| stat.identity(process.pid()) == process);
    Ok(if is_same { sockets } else { BTreeSet::new() })
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

    const REST: &str = "00000000:00000000 00:00000000 00000000     0        0";
    const NOBODY: &str = "00000000000000000000000000000000:0000";

    #[test]
    fn only_a_socket_that_waits_for_whoever_comes_is_read() {
        let [everywhere, loopback] = [[0; 4], [0, 0, 0, u32::from_ne_bytes([0, 0, 0, 1])]]
            .map(|words: [u32; 4]| words.map(|word| format!("{word:08X}")).concat());
        let v4 = format!("{:08X}", u32::from_ne_bytes([127, 0, 0, 1]));
        for (line, state, expected) in [
            (format!("0: {v4}:1F90 00000000:0000 0A {REST} 7 1 0"), "0A", Some("127.0.0.1:8080")),
            (format!("0: {v4}:1F90 {v4}:D431 01 {REST} 7 1 0"), "0A", None),
            (format!("12: {everywhere}:0035 {NOBODY} 07 {REST} 8 2 0"), "07", Some("[::]:53")),
            (format!("12: {loopback}:0035 {NOBODY} 07 {REST} 8 2 0"), "07", Some("[::1]:53")),
            (format!("0: {v4}:1F90 {v4}:0035 01 {REST} 8 2 0"), "07", None),
            (format!("0: 00000000:0000 00000000:0000 07 {REST} 8 2 0"), "07", None),
            (format!("0: é{v4}:1F90 00000000:0000 0A {REST} 7 1 0"), "0A", None),
            (format!("0: {v4}:1F90"), "0A", None),
            (String::new(), "0A", None),
        ] {
            let read = Bound::read(&line, state).map(|socket| socket.address.to_string());
            assert_eq!(read.as_deref(), expected, "{line:?}");
        }
    }

    #[test]
    fn a_socket_on_all_of_ipv6_is_on_all_of_ipv4_unless_a_stranger_is_there() {
        let bound = |address: &str, inode| Bound { address: address.parse().unwrap(), inode };
        let own = BTreeSet::from([1, 2]);
        let share = |stranger: &str| {
            let all = [bound("[::]:80", 1), bound("10.0.0.1:443", 2), bound(stranger, 9)];
            share_of(&all, &own).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(share("10.0.0.2:443"), ["[::]:80", "10.0.0.1:443", "0.0.0.0:80"]);
        assert_eq!(share("[::1]:80"), ["[::]:80", "10.0.0.1:443", "0.0.0.0:80"]);
        for stranger in ["10.0.0.2:80", "0.0.0.0:80", "[::ffff:127.0.0.1]:80"] {
            assert_eq!(share(stranger), ["[::]:80", "10.0.0.1:443"], "{stranger}");
        }
    }
}
