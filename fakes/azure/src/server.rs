//! HTTP: from a connection to a call, and from an answer back.

use std::{sync::Arc, time::Duration};

use chaos_core::clock::{Clock, SystemClock};
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, sync::oneshot};

use super::{
    access::Asked, answer::Answer, call::Call, directory, pages, recorded::Recorded, route, shared::Shared,
    trouble::Effect,
};

impl Shared {
    /// Carries out a request, unless trouble prevents it, and records it.
    fn happen(&self, call: &Call) -> Happened {
        let mut cloud = self.cloud();
        let effect = cloud.troubles.of(call);
        let mut happened = match effect {
            Some(Effect::CutBefore) => Happened::cut(),
            Some(Effect::Throttle { retry_after_seconds }) => Happened::now(throttled(retry_after_seconds)),
            Some(Effect::Error { status, code, message }) => {
                Happened::now(Answer::error(status, &code, message))
            }
            Some(Effect::Forbid) => {
                let asked = Asked::of(call);
                Happened::now(asked.map_or_else(|| Answer::no_route(&call.path), |asked| asked.refusal()))
            }
            Some(Effect::ExpireToken) => Happened::now(directory::expired(cloud.now, cloud.now)),
            Some(Effect::CutAfter) => {
                route::answer(&mut cloud, call);
                Happened::cut()
            }
            Some(Effect::Delay { milliseconds }) => Happened {
                answer: Some(route::answer(&mut cloud, call)),
                delay: Duration::from_millis(milliseconds),
            },
            Some(effect @ (Effect::FailOperation { .. } | Effect::HangOperation)) => {
                cloud.next_operation = Some(effect);
                let answer = route::answer(&mut cloud, call);
                cloud.next_operation = None;
                Happened::now(answer)
            }
            None => Happened::now(route::answer(&mut cloud, call)),
        };
        let id = cloud.fresh_id();
        happened.answer = happened.answer.map(|answer| answer.header("x-ms-request-id", id));
        // Under the lock, so that requests are recorded in the order in which they happened.
        self.requests().push(Recorded::new(call, happened.answer.as_ref().map(|answer| answer.status)));
        happened
    }
}

/// The outcome of a request, and the delay of its answer. There is no answer if the connection is cut.
struct Happened {
    answer: Option<Answer>,
    delay: Duration,
}

impl Happened {
    fn now(answer: Answer) -> Self {
        Self { answer: Some(answer), delay: Duration::ZERO }
    }

    fn cut() -> Self {
        Self { answer: None, delay: Duration::ZERO }
    }
}

/// Ends a connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("cut on request")]
struct Cut;

/// Serves until the other half of `stopped` is dropped.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>, stopped: oneshot::Receiver<()>) {
    tokio::select! {
        () = accept(listener, shared) => {}
        _ = stopped => {}
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        // A connection that ended before it was accepted does not matter.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&shared), request));
            // Clients may hang up at any time, and so may trouble.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Cut> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).map_err(|_gone| Cut)?;
    let query = head.uri.query().unwrap_or_default();
    let call = Call::new(head.method, head.uri.path(), query, head.headers, &body);
    if let Some(answer) = pages::answer(&shared, &call) {
        return Ok(response(answer));
    }
    let happened = shared.happen(&call);
    if happened.delay > Duration::ZERO {
        SystemClock::default().sleep(happened.delay).await;
    }
    happened.answer.map(response).ok_or(Cut)
}

fn throttled(retry_after_seconds: u64) -> Answer {
    Answer::error(
        429,
        "TooManyRequests",
        format!("The request is being throttled. Please try again after '{retry_after_seconds}' seconds."),
    )
    .header("retry-after", retry_after_seconds.to_string())
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = hyper::StatusCode::from_u16(answer.status).unwrap_or_default();
    for (name, value) in answer.headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    if let Some(body) = answer.body {
        let json = hyper::header::HeaderValue::from_static("application/json; charset=utf-8");
        response.headers_mut().insert(hyper::header::CONTENT_TYPE, json);
        *response.body_mut() = Full::from(body.to_string());
    }
    response
}
