//! The small HTTP service that the fleets of the programs run.

use std::{convert::Infallible, env, net::Ipv4Addr, process};

use chaos_core::{Error, ErrorKind, Result};
use chaos_local::{Fleet, FleetBuilder, HealthCheck};
use clap::Parser;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::CONTENT_TYPE,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::program::{ProgramResult, Status};

/// The hidden subcommand of `chaos` for the service.
pub(crate) const AS_SERVICE: &str = "as-service";

/// The arguments of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Parser)]
#[command(
    name = "service",
    version,
    about = "A small HTTP service: GET /health answers 200, GET / tells which replica it is"
)]
#[non_exhaustive]
pub struct ServiceArguments {
    /// The port of 127.0.0.1 to listen on
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
    /// The index of the replica
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub index: usize,
}

/// A fleet of services that run this executable.
///
/// # Errors
/// If this executable cannot be found.
pub fn fleet_of_services() -> Result<FleetBuilder> {
    let program = env::current_exe().map_err(|error| {
        Error::new(ErrorKind::Unavailable, "this program cannot find its own executable").caused_by(error)
    })?;
    Ok(Fleet::of(program)
        .args([AS_SERVICE, "--port", "{port}", "--index", "{index}"])
        .health(HealthCheck::http("/health")))
}

/// Serves until the process ends.
///
/// # Errors
/// If it cannot listen on the port.
pub async fn serve(arguments: ServiceArguments) -> ProgramResult {
    let ServiceArguments { port, index } = arguments;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|error| Error::invalid("--port", port, "a free port of 127.0.0.1").caused_by(error))?;
    loop {
        let (stream, _) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                return Ok(Status::Other);
            }
        };
        let answering =
            service_fn(move |request| async move { Ok::<_, Infallible>(answer(&request, index)) });
        tokio::spawn(async move {
            let served = http1::Builder::new().serve_connection(TokioIo::new(stream), answering).await;
            if let Err(error) = served {
                tracing::debug!(%error, "a connection broke");
            }
        });
    }
}

fn answer(request: &Request<Incoming>, index: usize) -> Response<Full<Bytes>> {
    let (status, body) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/health") => (StatusCode::OK, serde_json::json!({ "healthy": true })),
        (&Method::GET, "/") => {
            (StatusCode::OK, serde_json::json!({ "replica": index, "process": process::id() }))
        }
        _ => (StatusCode::NOT_FOUND, serde_json::json!({ "error": "GET / or GET /health" })),
    };
    let mut response = Response::new(Full::from(format!("{body}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
    response
}
