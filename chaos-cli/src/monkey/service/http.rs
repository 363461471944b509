//! `/healthz` and `/metrics`.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chaos_core::{
    Error, Result,
    clock::{Clock, SystemClock},
};
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{net::TcpListener, sync::Semaphore, task::JoinHandle};

use super::vitals::Vitals;

/// How long one connection may take.
const LIMIT: Duration = Duration::from_secs(10);
/// How old the last look may be.
const STALE: SignedDuration = SignedDuration::from_secs(20);
/// The most connections at once.
const MOST: usize = 64;

/// What is answered, shared with the loop that looks.
#[derive(Clone)]
pub(super) struct Shown {
    /// The last look, and when it was.
    vitals: Arc<Mutex<Option<(Timestamp, Vitals)>>>,
    metrics: PrometheusHandle,
}

impl Shown {
    pub(super) fn of(metrics: PrometheusHandle) -> Self {
        Self { vitals: Arc::default(), metrics }
    }

    pub(super) fn set(&self, at: Timestamp, vitals: Vitals) {
        *self.vitals.lock().unwrap_or_else(PoisonError::into_inner) = Some((at, vitals));
    }

    /// Why it is not well now.
    fn ills(&self, now: Timestamp) -> Vec<String> {
        match self.vitals.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            None => vec!["the service is starting".to_owned()],
            Some((at, _)) if now.duration_since(*at) > STALE => {
                vec![format!("the service has not looked at itself since {at:.0}")]
            }
            Some((_, vitals)) => vitals.ills.clone(),
        }
    }
}

/// Answers until it is dropped.
#[derive(Debug)]
pub(super) struct Answering {
    /// Where.
    pub(super) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Listens at `address`.
///
/// # Errors
/// If the address cannot be had.
pub(super) async fn answer(address: SocketAddr, shown: Shown) -> Result<Answering> {
    let listener = TcpListener::bind(address).await.map_err(|error| {
        let expected = "an address of this machine whose port is free";
        Error::invalid("service.listen", address, expected).caused_by(error)
    })?;
    Ok(Answering { address, task: tokio::spawn(accept(listener, shown)) })
}

async fn accept(listener: TcpListener, shown: Shown) {
    let slots = Arc::new(Semaphore::new(MOST));
    let clock = SystemClock::default();
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        let (stream, _) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Such as too many open files, which passes.
                tracing::warn!(%error, "no connection can be accepted");
                clock.sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        let shown = shown.clone();
        tokio::spawn(async move {
            let answering = service_fn(|request| {
                let answer = respond(&request, &shown, clock.now());
                async move { Ok::<_, Infallible>(answer) }
            });
            let serving =
                http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), answering);
            tokio::select! {
                served = serving => {
                    if let Err(error) = served {
                        tracing::debug!(%error, "a connection broke");
                    }
                }
                () = clock.sleep(LIMIT) => {}
            }
            drop(slot);
        });
    }
}

fn respond(request: &Request<Incoming>, shown: &Shown, now: Timestamp) -> Response<Full<Bytes>> {
    const TEXT: &str = "text/plain; charset=utf-8";
    const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
    let (status, kind, body) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/healthz") => match shown.ills(now) {
            ills if ills.is_empty() => (StatusCode::OK, TEXT, "well\n".to_owned()),
            ills => (StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("{}\n", ills.join("\n"))),
        },
        (&Method::GET, "/metrics") => (StatusCode::OK, METRICS, shown.metrics.render()),
        _ => (StatusCode::NOT_FOUND, TEXT, "GET /healthz or GET /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
