//! The clients of a fleet: a steady stream of requests, as through a load balancer without retries.

use std::{
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chaos_core::{Error, ErrorKind, Result, clock::Clock};
use http_body_util::{BodyExt, Empty};
use hyper::{Request, body::Bytes, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::{
    net::TcpStream,
    sync::{Semaphore, oneshot},
    task::{JoinHandle, JoinSet},
};

/// The interval between requests: 200 per second.
const INTERVAL: Duration = Duration::from_millis(5);
/// The time-out of a request.
const TIME_LIMIT: Duration = Duration::from_millis(500);
/// The most concurrent requests: every request of a second may hang.
const MOST_AT_ONCE: usize = 200;

/// The counts of the clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct ClientCounts {
    /// The finished requests.
    pub(crate) requests: u64,
    /// The failed ones: without an answer in time, or with a status other than 2xx.
    pub(crate) failed: u64,
}

/// The live counts of the clients.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts(Arc<Counters>);

impl Counts {
    /// The current counts.
    pub(crate) fn read(&self) -> ClientCounts {
        self.0.read()
    }
}

impl ClientCounts {
    /// The counts since `before`.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(before.requests),
            failed: self.failed.saturating_sub(before.failed),
        }
    }
}

/// Running clients. Dropping them stops them.
#[derive(Debug)]
pub(crate) struct Clients {
    counts: Counts,
    stop: oneshot::Sender<()>,
    work: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    failed: AtomicU64,
}

impl Clients {
    /// Starts to send requests to `replicas` in turn.
    pub(crate) fn start(replicas: Vec<SocketAddr>, counts: Counts, clock: Arc<dyn Clock>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let work = tokio::spawn(work(replicas, clock, Arc::clone(&counts.0), stopped));
        Self { counts, stop, work }
    }

    /// Stops sending, and waits for the outstanding answers.
    pub(crate) async fn stop(self) -> Result<ClientCounts> {
        let _ = self.stop.send(());
        self.work
            .await
            .map_err(|error| Error::new(ErrorKind::Panicked, "the clients failed").caused_by(error))?;
        Ok(self.counts.read())
    }
}

impl Counters {
    fn count(&self, answered: bool) {
        // In this order, and read in the opposite one, so that no look sees more failures than requests.
        self.requests.fetch_add(1, Ordering::SeqCst);
        if !answered {
            self.failed.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn read(&self) -> ClientCounts {
        let failed = self.failed.load(Ordering::SeqCst);
        let requests = self.requests.load(Ordering::SeqCst);
        ClientCounts { requests, failed }
    }
}

async fn work(
    replicas: Vec<SocketAddr>,
    clock: Arc<dyn Clock>,
    counters: Arc<Counters>,
    mut stopped: oneshot::Receiver<()>,
) {
    let slots = Arc::new(Semaphore::new(MOST_AT_ONCE));
    let mut under_way = JoinSet::new();
    let mut due = clock.now();
    for replica in replicas.iter().copied().cycle() {
        due = due.checked_add(INTERVAL).unwrap_or(due);
        let wait = Duration::try_from(due.duration_since(clock.now())).unwrap_or(Duration::ZERO);
        let turn = async {
            clock.sleep(wait).await;
            Arc::clone(&slots).acquire_owned().await
        };
        let Ok(slot) = (tokio::select! {
            biased;
            _ = &mut stopped => break,
            slot = turn => slot,
        }) else {
            break;
        };
        let (clock, counters) = (Arc::clone(&clock), Arc::clone(&counters));
        under_way.spawn(async move {
            let answered = tokio::select! {
                biased;
                answered = ask(replica) => answered,
                () = clock.sleep(TIME_LIMIT) => false,
            };
            counters.count(answered);
            drop(slot);
        });
        while under_way.try_join_next().is_some() {}
    }
    while under_way.join_next().await.is_some() {}
}

/// Sends one request over a new connection. Returns whether it was answered with 2xx.
async fn ask(replica: SocketAddr) -> bool {
    let Ok(stream) = TcpStream::connect(replica).await else {
        return false;
    };
    // If nothing listens, TCP may connect a socket to itself: the kernel may pick the requested port as the local one.
    if stream.local_addr().is_ok_and(|local| local == replica) {
        return false;
    }
    let Ok((mut sender, connection)) = http1::handshake(TokioIo::new(stream)).await else {
        return false;
    };
    let Ok(request) = Request::get("/").header(header::HOST, replica.to_string()).body(Empty::<Bytes>::new())
    else {
        return false;
    };
    let exchange = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        response.into_body().collect().await?;
        Ok::<_, hyper::Error>(status.is_success())
    };
    let (mut exchange, mut connection) = (pin!(exchange), pin!(connection));
    let answered = tokio::select! {
        biased;
        answered = &mut exchange => answered,
        // The connection may end together with the answer.
        _ = &mut connection => exchange.await,
    };
    answered.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use chaos_core::clock::SystemClock;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        sync::watch,
    };

    use super::*;

    /// Answers every request with `answer`, and tells how many it has seen.
    async fn replica(answer: &'static str) -> (SocketAddr, watch::Receiver<u64>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, receiver) = watch::channel(0);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 1024];
                assert!(stream.read(&mut request).await.unwrap() > 0);
                stream.write_all(answer.as_bytes()).await.unwrap();
                seen.send_modify(|seen| *seen += 1);
            }
        });
        (address, receiver)
    }

    #[tokio::test]
    async fn requests_go_round_and_every_bad_answer_is_a_failure() {
        let (well, mut well_seen) = replica("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        let (ill, mut ill_seen) = replica("HTTP/1.1 503 Sorry\r\ncontent-length: 0\r\n\r\n").await;
        let (silent, mut silent_seen) = replica("").await;
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let nobody = closed.local_addr().unwrap();
        drop(closed);

        let replicas = vec![well, ill, silent, nobody];
        let clients = Clients::start(replicas, Counts::default(), Arc::new(SystemClock::default()));
        well_seen.wait_for(|seen| *seen >= 10).await.unwrap();
        let counts = clients.stop().await.unwrap();

        let answered = *well_seen.borrow_and_update();
        assert_eq!(counts.requests - counts.failed, answered, "{counts:?}");
        assert!(counts.requests.abs_diff(4 * answered) <= 3, "{counts:?}, {answered} answered");
        for seen in [&mut ill_seen, &mut silent_seen] {
            assert!(seen.borrow_and_update().abs_diff(answered) <= 1, "the turns are even");
        }
    }
}
