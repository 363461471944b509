//! Two network namespaces and a cable between them. Nothing in them reaches anywhere else.

use std::{
    fs::{self, File},
    io,
    net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// How long to wait for a packet that should not come.
const PATIENCE: Duration = Duration::from_millis(200);

/// The target and somebody else.
#[derive(Debug)]
pub(crate) struct Network {
    /// Where the faults are.
    pub(crate) near: Namespace,
    pub(crate) far: Namespace,
}

/// Removed at the end, with all that is in it.
#[derive(Debug)]
pub(crate) struct Namespace {
    name: String,
    pub(crate) v4: IpAddr,
    pub(crate) v6: IpAddr,
}

impl Network {
    pub(crate) fn new() -> Self {
        let near = Namespace::new("10.77.0.1", "fd77::1");
        let far = Namespace::new("10.77.0.2", "fd77::2");
        let (one, other) = (near.name(), far.name());
        ip(&["link", "add", "eth0", "netns", one, "type", "veth", "peer", "name", "eth0", "netns", other]);
        for namespace in [&near, &far] {
            namespace.address(&format!("{}/24", namespace.v4));
            namespace.address(&format!("{}/64", namespace.v6));
            namespace.ip(&["link", "set", "eth0", "up"]);
        }
        let network = Self { near, far };
        network.far.reaches_at_last(&network.near);
        network.near.reaches_at_last(&network.far);
        network
    }
}

impl Network {
    /// A machine that the target forwards for, such as a container.
    pub(crate) fn inside(&self) -> Namespace {
        let inside = Namespace::new("10.79.0.2", "fd79::2");
        let near = &self.near;
        ip(&[
            "link",
            "add",
            "eth0",
            "netns",
            inside.name(),
            "type",
            "veth",
            "peer",
            "name",
            "eth1",
            "netns",
            near.name(),
        ]);
        near.ip(&["address", "add", "10.79.0.1/24", "dev", "eth1"]);
        near.ip(&["address", "add", "fd79::1/64", "dev", "eth1", "nodad"]);
        inside.address("10.79.0.2/24");
        inside.address("fd79::2/64");
        near.ip(&["link", "set", "eth1", "up"]);
        inside.ip(&["link", "set", "eth0", "up"]);
        near.run(&["sysctl", "-q", "-w", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"]);
        inside.ip(&["route", "add", "default", "via", "10.79.0.1"]);
        inside.ip(&["route", "add", "default", "via", "fd79::1"]);
        self.far.ip(&["route", "add", "10.79.0.0/24", "via", "10.77.0.1"]);
        self.far.ip(&["route", "add", "fd79::/64", "via", "fd77::1"]);
        inside.reaches_at_last(&self.far);
        self.far.reaches_at_last(&inside);
        inside
    }
}

impl Namespace {
    fn new(v4: &str, v6: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("chaos-test-{}-{}", process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        ip(&["netns", "add", &name]);
        let namespace = Self { name, v4: v4.parse().unwrap(), v6: v6.parse().unwrap() };
        namespace.ip(&["link", "set", "lo", "up"]);
        namespace
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn ip(&self, arguments: &[&str]) {
        ip(&[&["-n", &self.name], arguments].concat());
    }

    pub(crate) fn address(&self, address: &str) {
        let at_once: &[&str] = if address.contains(':') { &["nodad"] } else { &[] };
        self.ip(&[&["address", "add", address, "dev", "eth0"], at_once].concat());
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        run("ip", &[&["netns", "exec", &self.name], arguments].concat())
    }

    /// The address of its end of the cable.
    pub(crate) fn link(&self) -> String {
        self.run(&["cat", "/sys/class/net/eth0/address"]).trim().to_owned()
    }

    /// Names that are known here only, in the file that `ip netns exec` shows as `/etc/hosts`.
    pub(crate) fn names(&self, hosts: &str) -> Names {
        let directory = Path::new("/etc/netns").join(&self.name);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("hosts"), hosts).unwrap();
        Names(directory)
    }

    /// Every rule that there is.
    pub(crate) fn rules(&self) -> String {
        self.run(&["nft", "list", "ruleset"])
    }

    pub(crate) fn load(&self, rules: &str) {
        self.run(&["nft", rules]);
    }

    /// Sockets that `body` opens belong to this namespace, wherever they are used.
    pub(crate) fn within<T: Send>(&self, body: impl FnOnce() -> T + Send) -> T {
        let file = File::open(format!("/run/netns/{}", self.name)).unwrap();
        let inside = move || {
            move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            body()
        };
        thread::scope(|scope| scope.spawn(inside).join().unwrap())
    }

    pub(crate) fn datagrams(&self, address: SocketAddr) -> UdpSocket {
        // A process that another test starts holds every socket for a moment, including those that were closed here.
        let is_in_use = |bound: &io::Result<_>| {
            bound.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
        };
        let bound = self.within(|| {
            let mut tries = (0..200).map(|_| UdpSocket::bind(address));
            tries.find(|bound| {
                !is_in_use(bound) || {
                    thread::park_timeout(PATIENCE / 20);
                    false
                }
            })
        });
        let socket = bound.expect("nobody keeps the port").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    }

    /// Whether datagrams arrive that are sent from here to this port, over IPv4 and IPv6 alike.
    #[track_caller]
    pub(crate) fn reaches(&self, other: &Self, port: u16) -> bool {
        let v4 = self.sends((self.v4, 0), other, (other.v4, port));
        let v6 = self.sends((self.v6, 0), other, (other.v6, port));
        assert_eq!(v4, v6, "port {port} over IPv4, and over IPv6");
        v4
    }

    /// A cable takes a moment to come up, and the first packets find the neighbours.
    fn reaches_at_last(&self, other: &Self) {
        let arrives = |from: IpAddr, to: IpAddr| (0..25).any(|_| self.sends((from, 0), other, (to, 9)));
        assert!(arrives(self.v4, other.v4) && arrives(self.v6, other.v6), "the cable does not come up");
    }

    /// Whether a datagram arrives.
    pub(crate) fn sends(&self, from: (IpAddr, u16), other: &Self, to: (IpAddr, u16)) -> bool {
        let receiver = other.datagrams(to.into());
        let sender = self.datagrams(from.into());
        // A packet that is dropped on its way out is an error here.
        let sent = sender.send_to(b"here", SocketAddr::from(to)).is_ok();
        sent && receiver.recv(&mut [0; 8]).is_ok()
    }

    /// Whether TCP connects from here to this port, over IPv4 and IPv6 alike.
    #[track_caller]
    pub(crate) fn connects(&self, other: &Self, port: u16) -> bool {
        let one = |address: IpAddr| {
            let address = SocketAddr::new(address, port);
            let listener = other.within(|| TcpListener::bind(address)).unwrap();
            let connected: io::Result<TcpStream> =
                self.within(|| TcpStream::connect_timeout(&address, PATIENCE));
            drop(listener);
            connected.is_ok()
        };
        let (v4, v6) = (one(other.v4), one(other.v6));
        assert_eq!(v4, v6, "port {port} over IPv4, and over IPv6");
        v4
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "delete", &self.name]).status();
    }
}

/// Forgotten at the end.
#[derive(Debug)]
pub(crate) struct Names(PathBuf);

impl Drop for Names {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
        // Where it was the last.
        let _ = fs::remove_dir("/etc/netns");
    }
}

fn ip(arguments: &[&str]) {
    run("ip", arguments);
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}
