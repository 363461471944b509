//! HTTP: from a connection to a call, and from an answer back.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chaos_core::{Clock, SystemClock};
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, sync::oneshot};

use super::{answer::Answer, call::Call, cloud::Cloud, recorded::Recorded, route};

/// What the server and whoever drives the fake have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    cloud: Mutex<Cloud>,
    requests: Mutex<Vec<Recorded>>,
}

impl Shared {
    pub(crate) fn new(cloud: Cloud) -> Self {
        Self { cloud: Mutex::new(cloud), requests: Mutex::default() }
    }

    /// The state as it is now.
    pub(crate) fn cloud(&self) -> MutexGuard<'_, Cloud> {
        let mut cloud = self.cloud.lock().unwrap_or_else(PoisonError::into_inner);
        cloud.advance(SystemClock::default().now());
        cloud
    }

    pub(crate) fn requests(&self) -> MutexGuard<'_, Vec<Recorded>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves until `stopped`, or its other half is dropped.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>, stopped: oneshot::Receiver<()>) {
    tokio::select! {
        () = accept(listener, shared) => {}
        _ = stopped => {}
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        // A connection that ended before it was accepted is nobody's concern.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&shared), request));
            // Clients hang up as they like.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let query = head.uri.query().unwrap_or_default();
    let call = Call::new(head.method, head.uri.path(), query, head.headers, &body);
    let answer = route::answer(&mut shared.cloud(), &call);
    shared.requests().push(Recorded::new(&call, Some(answer.status)));
    Ok(response(answer))
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
