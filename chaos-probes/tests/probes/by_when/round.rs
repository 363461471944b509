//! One round: a service begins to fail at some moment of a hold, and the recovery begins.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use chaos_core::{
    Hold, MemoryJournal, Monkey, Outcome, Registry, SteadyState,
    clock::{Clock, SystemClock},
    observer::{self, Activities, Activity, Told},
    steady_state::Probe,
    testing::{MemoryProvider, PowerOff, PowerOn},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// The time from one look to the next.
const INTERVAL: Duration = Duration::from_millis(200);
/// The probe's own time limit.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(1);
/// Far longer than any round takes.
const HOLD: Duration = Duration::from_secs(60);

/// What the service does from some moment on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Failing {
    /// It answers 503.
    Unavailable,
    /// It accepts connections, reads the request and never answers.
    Silent,
}

impl Failing {
    pub(crate) const ALL: [Self; 2] = [Self::Unavailable, Self::Silent];

    /// The longest time from the failure to the end of the look that sees it.
    pub(crate) fn seen_within(self) -> Duration {
        match self {
            Self::Unavailable => INTERVAL,
            Self::Silent => INTERVAL + TIME_LIMIT,
        }
    }
}

/// Lets the service fail at this moment of a hold, while `looking` makes the probe that looks at its URL. Returns the
/// time from the failure to the start of the recovery.
pub(crate) async fn round<P: Probe>(
    looking: impl Fn(&str) -> P,
    failing: Failing,
    moment: Duration,
) -> Duration {
    let clock = Arc::new(SystemClock::default());
    let service = Service::start().await;
    let (observer, mut activities) = observer::channel(NonZeroUsize::MIN.saturating_add(1023));
    let monkey = Monkey::builder()
        .provider(MemoryProvider::default().with_group("web", 5).unwrap())
        .event(PowerOff::lasting(Hold::lasting(HOLD).unwrap()))
        .clock(Arc::clone(&clock))
        .steady_state(
            SteadyState::new("If one machine is off, then the home page answers")
                .probe("home page", looking(&service.url), 200)
                .every(INTERVAL),
        )
        .also_observe(observer)
        .unleash(MemoryJournal::new(), Registry::default().register::<PowerOn>())
        .build()
        .unwrap();
    let running = tokio::spawn(async move { monkey.run_once().await.unwrap() });
    next(&mut activities, |activity| matches!(activity, Activity::Injected { .. })).await;
    clock.sleep(moment).await;
    let failed_at = clock.now();
    service.is(Some(failing));
    let recovering = next(&mut activities, |activity| matches!(activity, Activity::Recovering { .. })).await;
    service.is(None);
    let report = running.await.unwrap();
    assert_eq!(report.outcome(), Outcome::Deviated, "{report}");
    recovering.at.duration_since(failed_at).unsigned_abs()
}

async fn next(activities: &mut Activities, is_it: impl Fn(&Activity) -> bool) -> Told {
    loop {
        let told = activities.next().await.unwrap();
        if is_it(&told.activity) {
            return told;
        }
    }
}

/// An HTTP service that can be told to fail. It ends with its handle.
struct Service {
    url: String,
    failing: watch::Sender<Option<Failing>>,
    serving: JoinHandle<()>,
}

impl Service {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (failing, is_failing) = watch::channel(None);
        let serving = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(answer(connection, is_failing.clone()));
            }
        });
        Self { url, failing, serving }
    }

    fn is(&self, failing: Option<Failing>) {
        self.failing.send_replace(failing);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A client that goes away meanwhile is no problem of the service.
async fn answer(mut connection: TcpStream, failing: watch::Receiver<Option<Failing>>) {
    let mut request = [0; 4096];
    let _ = connection.read(&mut request).await;
    let now = *failing.borrow();
    let status = match now {
        None => "200 OK",
        Some(Failing::Unavailable) => "503 Service Unavailable",
        // Until the client goes away.
        Some(Failing::Silent) => return drop(connection.read(&mut request).await),
    };
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let _ = connection.write_all(answer.as_bytes()).await;
}
