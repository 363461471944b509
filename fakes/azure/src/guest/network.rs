//! A network for the machines, in namespaces of its own. Nothing in it reaches the network of this machine.

use std::{
    fs::{self, File},
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::{io::AsyncWriteExt, runtime::Handle};

/// The address of Azure's own services for a machine, to which no security group applies.
const WIRE_SERVER: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);
/// The port that the agent of a machine reports through.
const HOST_PLUGIN: u16 = 32526;
const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
/// A neighbour that sends its address to every client that connects to its port 80.
pub(crate) const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

/// A namespace that stands for Azure, and one for each machine, plugged into its bridge.
#[derive(Debug)]
pub(super) struct Network {
    prefix: String,
    /// The runtime of the tasks that greet.
    runtime: Handle,
    plugged: Mutex<u32>,
}

impl Network {
    /// `prefix` begins the names of all its namespaces.
    pub(super) fn new(prefix: &str, runtime: Handle) -> Self {
        Self { prefix: prefix.to_owned(), runtime, plugged: Mutex::new(0) }
    }

    /// Makes the namespace of a machine, and returns its name.
    pub(super) fn plug(&self, address: Ipv4Addr) -> io::Result<String> {
        let mut plugged = self.plugged.lock().unwrap_or_else(PoisonError::into_inner);
        if *plugged == 0 {
            self.make()?;
        }
        *plugged += 1;
        let (index, hub) = (*plugged, self.hub());
        let name = format!("{}-{index}", self.prefix);
        let settings = Path::new("/etc/netns").join(&name);
        fs::create_dir_all(&settings)?;
        fs::write(settings.join("hosts"), format!("127.0.0.1 localhost\n::1 localhost\n{PEER} peer\n"))?;
        // A look-up of any other name must fail at once instead of waiting for servers out of reach.
        fs::write(settings.join("resolv.conf"), "nameserver 127.0.0.1\n")?;
        ip(
            None,
            &format!(
                "netns add {name}\nlink add eth0 netns {name} type veth peer name v{index} netns {hub}\n"
            ),
        )?;
        ip(Some(&hub), &format!("link set v{index} master bridge0 up\n"))?;
        let lines = format!(
            "link set lo up\naddress add {address}/8 dev eth0\nlink set eth0 up\nroute add default via {GATEWAY}\n"
        );
        ip(Some(&name), &lines)?;
        Ok(name)
    }

    /// Removes the namespace of a machine on which nothing runs.
    pub(super) fn unplug(&self, name: &str) {
        let _ = ip(None, &format!("netns delete {name}\n"));
        let _ = fs::remove_dir_all(Path::new("/etc/netns").join(name));
    }

    /// Whether the agent of a machine can talk to Azure now.
    pub(super) fn reaches_azure(&self, name: &str) -> bool {
        within(name, || {
            TcpStream::connect_timeout(&SocketAddr::from((WIRE_SERVER, HOST_PLUGIN)), Duration::from_secs(1))
        })
        .is_ok()
    }

    fn hub(&self) -> String {
        format!("{}-hub", self.prefix)
    }

    fn make(&self) -> io::Result<()> {
        let hub = self.hub();
        ip(None, &format!("netns add {hub}\n"))?;
        // Without a fixed address, that of the bridge would change when machines are added, and machines that know it
        // would lose their connection.
        ip(
            Some(&hub),
            &format!(
                "link set lo up\nlink add bridge0 address 02:00:0a:00:00:01 type bridge\n\
                 address add {GATEWAY}/8 dev bridge0\naddress add {PEER}/8 dev bridge0\n\
                 address add {WIRE_SERVER}/32 dev bridge0\naddress add {METADATA}/32 dev bridge0\nlink set bridge0 up\n"
            ),
        )?;
        for (address, port) in [(WIRE_SERVER, 80), (WIRE_SERVER, HOST_PLUGIN), (METADATA, 80), (PEER, 80)] {
            let listener = within(&hub, move || {
                let listener = TcpListener::bind((address, port))?;
                listener.set_nonblocking(true)?;
                Ok(listener)
            })?;
            let _entered = self.runtime.enter();
            let listener = tokio::net::TcpListener::from_std(listener)?;
            self.runtime.spawn(greet(listener, address));
        }
        Ok(())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        if *self.plugged.lock().unwrap_or_else(PoisonError::into_inner) > 0 {
            let _ = ip(None, &format!("netns delete {}\n", self.hub()));
        }
    }
}

/// Sends its address to every client that connects, without waiting for a request.
async fn greet(listener: tokio::net::TcpListener, address: Ipv4Addr) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let _ = stream.write_all(format!("{address}\n").as_bytes()).await;
    }
}

/// Does some work in a network namespace. Its sockets stay there.
fn within<T: Send + 'static>(
    namespace: &str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let place = File::open(Path::new("/run/netns").join(namespace))?;
    // Only this thread is in the namespace, so it is never used for anything else.
    let thread = std::thread::Builder::new().spawn(move || {
        use std::os::fd::AsFd;
        move_into_link_name_space(place.as_fd(), Some(LinkNameSpaceType::Network))?;
        work()
    })?;
    thread.join().map_err(|_panic| io::Error::other("work in a namespace panicked"))?
}

/// Runs commands of iproute2. If one fails, the error has its output.
fn ip(namespace: Option<&str>, lines: &str) -> io::Result<()> {
    let mut command = Command::new("ip");
    if let Some(namespace) = namespace {
        command.args(["-n", namespace]);
    }
    let mut child = command
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(lines.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    let trouble = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{lines:?}: {}", trouble.trim())))
}
