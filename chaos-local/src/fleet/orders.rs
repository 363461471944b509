use tokio::sync::watch;

/// An order of a fleet's owner to its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Keep the fleet up.
    Run,
    /// End it gracefully.
    Stop,
    /// End it at once.
    Kill,
}

/// The thread's side. If the owner is gone, the fleet must end at once.
#[derive(Clone, Debug)]
pub(crate) struct Orders(watch::Receiver<Order>);

impl Orders {
    pub(crate) fn new() -> (watch::Sender<Order>, Self) {
        let (sender, receiver) = watch::channel(Order::Run);
        (sender, Self(receiver))
    }

    /// Returns when the fleet must end, gracefully or not.
    pub(crate) async fn end(&mut self) {
        let _ = self.0.wait_for(|order| *order != Order::Run).await;
    }

    /// Returns when the fleet must end at once.
    pub(crate) async fn kill(&mut self) {
        let _ = self.0.wait_for(|order| *order == Order::Kill).await;
    }
}
