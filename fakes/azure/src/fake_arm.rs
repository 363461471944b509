//! The fake itself: how a test starts it, fills it and asks it.

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
/// It serves from a thread of its own, so that a test that blocks does not block it. It ends when it is dropped, and
/// with it every process that its scripts have started.
///
/// Machines are named by their ids, in either case. Methods that change a machine do nothing where there is none.
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
    /// The only tenant that hands out tokens.
    pub const TENANT: &str = Directory::TENANT;
    /// The application that may have tokens.
    pub const CLIENT: &str = Directory::CLIENT;
    /// Its secret.
    pub const SECRET: &str = Directory::SECRET;
    /// A token that is good until [`expire_tokens`](Self::expire_tokens).
    pub const TOKEN: &str = Directory::TOKEN;

    /// A neighbour in the network of the namespaces, which says its address to whoever connects to its port 80.
    pub const PEER: Ipv4Addr = PEER;

    /// Starts one that holds nothing but [`SUBSCRIPTION`](Self::SUBSCRIPTION).
    ///
    /// # Errors
    ///
    /// If no port of this machine, or no thread, can be had.
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

    /// Adds a set, a scale set, an experiment or a subscription, with all that belongs to it.
    pub fn add(&self, new: impl Into<New>) {
        build::add(&mut self.shared.cloud(), &new.into());
    }

    /// Changes settings, from the next request on.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.shared.cloud().settings);
    }

    /// Has requests meet trouble.
    pub fn trouble(&self, trouble: Trouble) {
        self.shared.cloud().troubles.add(trouble);
    }

    /// Ends all trouble.
    pub fn end_trouble(&self) {
        self.shared.cloud().troubles.clear();
    }

    /// Lets the caller do no more than this.
    pub fn assign(&self, role: Role) {
        self.shared.cloud().role = role;
    }

    /// Ends the time of all tokens that were handed out so far.
    pub fn expire_tokens(&self) {
        let mut cloud = self.shared.cloud();
        let now = cloud.now;
        cloud.directory.expire(now);
    }

    /// The ids of all machines, of uniform instances too, in their order.
    pub fn machines(&self) -> Vec<String> {
        self.shared.cloud().machines.values().map(|machine| machine.id.to_string()).collect()
    }

    /// Whether a machine runs. None where there is no such machine.
    pub fn power_state(&self, machine: &str) -> Option<PowerState> {
        self.ask(machine, |_, machine| machine.power)
    }

    /// Has a machine be in that state, as if somebody else had done it.
    pub fn set_power_state(&self, machine: &str, power: PowerState) {
        self.change(machine, |machine| machine.power = power);
        self.shared.cloud().look_after(&machine.to_lowercase());
    }

    /// Has a machine's provisioning be in that state: `Updating`, `Failed` and the like.
    pub fn set_provisioning_state(&self, machine: &str, state: &str) {
        self.change(machine, |machine| state.clone_into(&mut machine.provisioning));
    }

    /// Has the agent of a machine be ready or not. Without it, no script is brought to the machine.
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

    /// Has the system disk of a machine be an ephemeral one, which does not outlive its host: it cannot be deallocated.
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

    /// Deletes a machine at once, as if somebody else had done it.
    pub fn delete_machine(&self, machine: &str) {
        self.shared.cloud().remove_machine(&machine.to_lowercase());
    }

    /// The same, but its network interfaces stay, with their addresses and security groups: as Azure does it, unless
    /// they were made to be deleted with their machine.
    pub fn delete_machine_alone(&self, machine: &str) {
        let mut cloud = self.shared.cloud();
        let key = machine.to_lowercase();
        if let Some(machine) = cloud.machines.get_mut(&key) {
            machine.interfaces.clear();
        }
        cloud.remove_machine(&key);
    }

    /// How often a machine has booted; it has once when it is made.
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

    /// The names of the rules that somebody wrote into a network security group, by its id.
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

    /// Where the files of a machine are, once a script has run on it.
    pub fn directory(&self, machine: &str) -> Option<PathBuf> {
        self.ask(machine, |cloud, machine| cloud.guests.directory(&machine.vm_id)).flatten()
    }

    /// The ids of the processes that scripts have started on a machine and that are still there.
    pub fn processes(&self, machine: &str) -> Vec<i32> {
        self.ask(machine, |cloud, machine| cloud.guests.processes(&machine.vm_id)).unwrap_or_default()
    }

    /// The network namespace of a machine, as `ip netns` knows it: as root, from its first script on until it is
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
