//! The fake itself, with the methods by which a test starts it, fills it and inspects it.

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    sync::Arc,
    thread::JoinHandle,
};

use chaos_core::clock::{Clock, SystemClock};
use tokio::sync::oneshot;

use super::{
    access::Role,
    build,
    cloud::Cloud,
    directory::Directory,
    guest::PEER,
    machine::{Machine, PowerState, Protection},
    metric::Metric,
    network::Direction,
    recorded::Recorded,
    server,
    settings::Settings,
    shared::Shared,
    trouble::Trouble,
    world::New,
};

/// A stateful fake of Azure Resource Manager on a port of this machine.
///
/// It serves from a thread of its own, so a test that blocks does not block it. When it is dropped, it ends, and so
/// does every process that its scripts have started.
///
/// Machines are named by their ids, in either case. Methods that change a machine do nothing if it does not exist.
#[derive(Debug)]
pub struct FakeArm {
    endpoint: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FakeArm {
    /// The subscription that exists from the beginning.
    pub const SUBSCRIPTION: &str = Directory::SUBSCRIPTION;
    /// The only tenant that issues tokens.
    pub const TENANT: &str = Directory::TENANT;
    /// The application that can get tokens.
    pub const CLIENT: &str = Directory::CLIENT;
    /// The secret of the application.
    pub const SECRET: &str = Directory::SECRET;
    /// A token that is valid until [`expire_tokens`](Self::expire_tokens).
    pub const TOKEN: &str = Directory::TOKEN;

    /// A neighbour in the network of the namespaces. It sends its address to every client that connects to its port 80.
    pub const PEER: Ipv4Addr = PEER;

    /// Starts a fake with nothing but [`SUBSCRIPTION`](Self::SUBSCRIPTION).
    ///
    /// # Errors
    ///
    /// If this machine has no free port, or no thread can be started.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let now = SystemClock::default().now();
        let mut cloud = Cloud::new(endpoint.clone(), now, runtime.handle().clone());
        cloud.ensure_subscription(Self::SUBSCRIPTION, Self::TENANT);
        let shared = Arc::new(Shared::new(cloud));
        let (stop, stopped) = oneshot::channel();
        let listener = {
            let _entered = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let served = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("fake-arm".to_owned())
            .spawn(move || runtime.block_on(server::serve(listener, served, stopped)))?;
        Ok(Self { endpoint, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:PORT`, without a slash at its end: the endpoint of ARM, and the authority of its tokens.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Adds a set, a scale set, an experiment or a subscription, with all its parts.
    pub fn add(&self, new: impl Into<New>) {
        build::add(&mut self.shared.cloud(), &new.into());
    }

    /// Changes settings, from the next request on.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.shared.cloud().settings);
    }

    /// Makes matching requests fail, as the trouble says.
    pub fn trouble(&self, trouble: Trouble) {
        self.shared.cloud().troubles.add(trouble);
    }

    /// Ends all trouble.
    pub fn end_trouble(&self) {
        self.shared.cloud().troubles.clear();
    }

    /// Limits the caller to this role.
    pub fn assign(&self, role: Role) {
        self.shared.cloud().role = role;
    }

    /// Expires all tokens that were issued so far.
    pub fn expire_tokens(&self) {
        let mut cloud = self.shared.cloud();
        let now = cloud.now;
        cloud.directory.expire(now);
    }

    /// The ids of all machines, including uniform instances, in order.
    pub fn machines(&self) -> Vec<String> {
        self.shared.cloud().machines.values().map(|machine| machine.id.to_string()).collect()
    }

    /// Whether a machine runs. `None` if there is no such machine.
    pub fn power_state(&self, machine: &str) -> Option<PowerState> {
        self.ask(machine, |_, machine| machine.power)
    }

    /// Puts a machine into this state, as if somebody else had done it.
    pub fn set_power_state(&self, machine: &str, power: PowerState) {
        self.change(machine, |machine| machine.power = power);
        self.shared.cloud().look_after(&machine.to_lowercase());
    }

    /// Puts a machine's provisioning into this state: `Updating`, `Failed` and the like.
    pub fn set_provisioning_state(&self, machine: &str, state: &str) {
        self.change(machine, |machine| state.clone_into(&mut machine.provisioning));
    }

    /// Sets whether the agent of a machine is ready. Without it, no script reaches the machine.
    pub fn set_agent_ready(&self, machine: &str, ready: bool) {
        self.change(machine, |machine| machine.agent_ready = ready);
    }

    /// Sets a tag of a machine, or removes it.
    pub fn set_tag(&self, machine: &str, key: &str, value: Option<&str>) {
        self.change(machine, |machine| {
            match value {
                Some(value) => machine.tags.insert(key.to_owned(), value.into()),
                None => machine.tags.remove(key),
            };
        });
    }

    /// Makes the system disk of a machine ephemeral: it belongs to the host, so the machine cannot be deallocated.
    pub fn set_ephemeral_disk(&self, machine: &str) {
        self.change(machine, |machine| machine.has_ephemeral_disk = true);
    }

    /// Makes a virtual machine, or one of a flexible scale set, a spot one.
    pub fn set_spot(&self, machine: &str) {
        self.change(machine, |machine| machine.is_spot = true);
    }

    /// Sets the protection policy of an instance.
    pub fn protect(&self, instance: &str, from_scale_in: bool, from_scale_set_actions: bool) {
        self.change(instance, |machine| {
            machine.protection = Protection { from_scale_in, from_scale_set_actions }
        });
    }

    /// Sets the values of a metric of any resource, one for each minute, whatever aggregation a request asks for. The
    /// last one is that of the current minute. `None` is a minute for which Azure Monitor has no value yet.
    pub fn set_metric(
        &self,
        resource: &str,
        name: &str,
        values: impl IntoIterator<Item = impl Into<Option<f64>>>,
    ) {
        let mut cloud = self.shared.cloud();
        let metric = Metric::new(name, values.into_iter().map(Into::into).collect(), cloud.now);
        cloud.metrics.entry(resource.to_lowercase()).or_default().insert(name.to_lowercase(), metric);
    }

    /// Deletes a machine at once, as if somebody else had done it.
    pub fn delete_machine(&self, machine: &str) {
        self.shared.cloud().remove_machine(&machine.to_lowercase());
    }

    /// Deletes a machine at once, but keeps its network interfaces, with their addresses and security groups. Azure
    /// does so unless the interfaces were made to be deleted with their machine.
    pub fn delete_machine_alone(&self, machine: &str) {
        let mut cloud = self.shared.cloud();
        let key = machine.to_lowercase();
        if let Some(machine) = cloud.machines.get_mut(&key) {
            machine.interfaces.clear();
        }
        cloud.remove_machine(&key);
    }

    /// The number of boots of a machine. A new machine has booted once.
    pub fn boots(&self, machine: &str) -> Option<u32> {
        self.ask(machine, |_, machine| machine.boots)
    }

    /// The capacity of a scale set, by its id.
    pub fn capacity(&self, scale_set: &str) -> Option<u32> {
        self.shared.cloud().scale_sets.get(&scale_set.to_lowercase()).map(|set| set.capacity)
    }

    /// The address of a machine in its network.
    pub fn address(&self, machine: &str) -> Option<Ipv4Addr> {
        self.ask(machine, |cloud, machine| {
            let interface = cloud.interfaces.get(&machine.interfaces.first()?.key())?;
            interface.address.parse().ok()
        })
        .flatten()
    }

    /// Whether the rules in force let a new connection over TCP through, to this port of the machine or of the peer.
    /// Addresses in 10.0.0.0/8 are the virtual network's, all others the internet's.
    pub fn lets_through(
        &self,
        machine: &str,
        direction: Direction,
        peer: Ipv4Addr,
        port: u16,
    ) -> Option<bool> {
        self.ask(machine, |cloud, machine| cloud.lets_through(machine, direction, peer, port))
    }

    /// The names of the explicit rules of a network security group, by its id.
    pub fn security_rules(&self, group: &str) -> Option<Vec<String>> {
        let cloud = self.shared.cloud();
        let group = cloud.security_groups.get(&group.to_lowercase())?;
        Some(group.rules.values().map(|rule| rule.name.clone()).collect())
    }

    /// The id of the network security group that the first interface of a machine has.
    pub fn security_group(&self, machine: &str) -> Option<String> {
        self.ask(machine, |cloud, machine| {
            let interface = cloud.interfaces.get(&machine.interfaces.first()?.key())?;
            interface.group().map(|group| group.to_string())
        })
        .flatten()
    }

    /// The directory with the files of a machine, once a script has run on it.
    pub fn directory(&self, machine: &str) -> Option<PathBuf> {
        self.ask(machine, |cloud, machine| cloud.guests.directory(&machine.vm_id)).flatten()
    }

    /// The ids of the running processes that scripts have started on a machine.
    pub fn processes(&self, machine: &str) -> Vec<i32> {
        self.ask(machine, |cloud, machine| cloud.guests.processes(&machine.vm_id)).unwrap_or_default()
    }

    /// The network namespace of a machine, as `ip netns` knows it: only as root, and from its first script until it is
    /// stopped. Its interface is `eth0`.
    pub fn namespace(&self, machine: &str) -> Option<String> {
        self.ask(machine, |cloud, machine| cloud.guests.namespace(&machine.vm_id)).flatten()
    }

    /// All requests since the start or since they were last forgotten, the oldest first.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.requests().clone()
    }

    /// Forgets the requests.
    pub fn forget_requests(&self) {
        self.shared.requests().clear();
    }

    fn ask<T>(&self, machine: &str, answer: impl FnOnce(&Cloud, &Machine) -> T) -> Option<T> {
        let cloud = self.shared.cloud();
        cloud.machines.get(&machine.to_lowercase()).map(|machine| answer(&cloud, machine))
    }

    fn change(&self, machine: &str, change: impl FnOnce(&mut Machine)) {
        if let Some(machine) = self.shared.cloud().machines.get_mut(&machine.to_lowercase()) {
            change(machine);
        }
    }
}

impl Drop for FakeArm {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
