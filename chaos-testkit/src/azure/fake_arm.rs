//! The fake itself: how a test starts it, fills it and asks it.

use std::{io, net::TcpListener, sync::Arc, thread::JoinHandle};

use chaos_core::{Clock, SystemClock};
use tokio::sync::oneshot;

use super::{
    build,
    cloud::Cloud,
    machine::PowerState,
    recorded::Recorded,
    server::{self, Shared},
    settings::Settings,
    world::New,
};

/// A stateful fake of Azure Resource Manager on a port of this machine.
///
/// It serves from a thread of its own, so that a test that blocks does not block it. It ends when it is dropped.
#[derive(Debug)]
pub struct FakeArm {
    endpoint: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FakeArm {
    /// The subscription that exists from the beginning.
    pub const SUBSCRIPTION: &str = "11111111-1111-4111-8111-111111111111";

    /// Starts one that holds nothing but [`SUBSCRIPTION`](Self::SUBSCRIPTION).
    ///
    /// # Errors
    ///
    /// If no port of this machine, or no thread, can be had.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let mut cloud = Cloud::new(endpoint.clone(), SystemClock::default().now());
        cloud.subscriptions.entry(Self::SUBSCRIPTION.to_owned()).or_default();
        let shared = Arc::new(Shared::new(cloud));
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
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

    /// `http://127.0.0.1:PORT`, without a slash at its end.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Adds a set, a scale set or an experiment, with all that belongs to it.
    pub fn add(&self, new: impl Into<New>) {
        build::add(&mut self.shared.cloud(), &new.into());
    }

    /// Changes settings, from the next request on.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.shared.cloud().settings);
    }

    /// Whether a machine runs, by its id in either case. None where there is no such machine.
    pub fn power_state(&self, id: &str) -> Option<PowerState> {
        self.shared.cloud().machines.get(&id.to_lowercase()).map(|machine| machine.power)
    }

    /// Has a machine be in that state, as if somebody else had done it.
    pub fn set_power_state(&self, id: &str, power: PowerState) {
        self.shared.cloud().set_power(&id.to_lowercase(), power);
    }

    /// All requests since the start or since they were last forgotten, the oldest first.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.requests().clone()
    }

    /// Forgets the requests.
    pub fn forget_requests(&self) {
        self.shared.requests().clear();
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
