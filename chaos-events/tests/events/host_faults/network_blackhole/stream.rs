//! A datagram every two milliseconds, and when each of them arrived or did not.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use chaos_core::clock::{Clock, SystemClock};
use jiff::Timestamp;

use super::namespace::Namespace;

const PORT: u16 = 7007;

#[derive(Debug)]
pub(crate) struct Stream {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

/// Each datagram: when it was sent, and whether it arrived.
#[derive(Debug)]
pub(crate) struct Seen(Vec<(Timestamp, bool)>);

impl Stream {
    pub(crate) fn begin(from: &Namespace, to: &Namespace) -> Self {
        let destination = SocketAddr::new(to.v4, PORT);
        let receiver = to.datagrams(destination);
        let sender = from.datagrams((from.v4, 0).into());
        receiver.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&is_over);
        let thread = thread::spawn(move || {
            let (clock, mut seen) = (SystemClock::default(), Vec::new());
            while !stop.load(Ordering::SeqCst) {
                let now = clock.now();
                let _ = sender.send_to(b"here", destination);
                let arrived = receiver.recv(&mut [0; 8]).is_ok();
                seen.push((now, arrived));
                // The time limit is the pause: nothing else comes.
                let _ = receiver.recv(&mut [0; 8]);
            }
            Seen(seen)
        });
        Self { is_over, thread }
    }

    pub(crate) fn end(self) -> Seen {
        self.is_over.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

impl Seen {
    pub(crate) fn first_lost(&self) -> Timestamp {
        self.0.iter().find(|(_, arrived)| !arrived).expect("one that was lost").0
    }

    /// The first from which on all arrived.
    pub(crate) fn back(&self) -> Timestamp {
        let lost = self.0.iter().rposition(|(_, arrived)| !arrived).expect("one that was lost");
        self.0.get(lost + 1).expect("one that arrived again").0
    }

    /// How many arrived in between.
    pub(crate) fn arrived_between(&self, from: Timestamp, to: Timestamp) -> usize {
        self.0.iter().filter(|(at, arrived)| *arrived && *at > from && *at < to).count()
    }
}

/// Signed, in milliseconds.
pub(crate) fn after(earlier: Timestamp, later: Timestamp) -> i64 {
    later.duration_since(earlier).as_millis().try_into().unwrap()
}
