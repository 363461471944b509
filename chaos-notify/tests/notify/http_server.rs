//! An HTTP server that answers each connection as its script says, and then with 200.

use std::{
    collections::VecDeque,
    convert::Infallible,
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};

use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Request, Response, body::Bytes, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

use crate::tale::fixture;

/// What comes of a connection.
#[derive(Clone, Debug)]
pub(crate) enum Then {
    /// A status, a header, and a body.
    Answer(u16, Option<(&'static str, String)>, String),
    /// Nothing, for ever.
    Hang,
    /// A part of an answer, and the end.
    Cut,
}

pub(crate) fn status(code: u16) -> Then {
    Then::Answer(code, None, String::new())
}

#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) port: u16,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Server {
    pub(crate) async fn with(script: impl IntoIterator<Item = Then>) -> Self {
        Self::start(script, None).await
    }

    /// One over TLS, for `localhost`.
    pub(crate) async fn secure() -> Self {
        let certificates = CertificateDer::pem_file_iter(fixture("localhost.pem")).unwrap();
        let certificates = certificates.collect::<Result<Vec<_>, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_file(fixture("key.pem")).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = config.with_single_cert(certificates, key).unwrap();
        Self::start([], Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn start(script: impl IntoIterator<Item = Then>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self { port, received: Arc::default() };
        let (kept, mut script) = (server.clone(), script.into_iter().collect::<VecDeque<_>>());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let then = script.pop_front().unwrap_or_else(|| status(200));
                let (server, tls) = (kept.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                server.serve(stream, then).await;
                            }
                        }
                        None => server.serve(stream, then).await,
                    }
                });
            }
        });
        server
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    async fn serve(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin, then: Then) {
        match then {
            Then::Hang => std::future::pending().await,
            Then::Cut => {
                let mut begin = [0; 16];
                stream.read_exact(&mut begin).await.unwrap();
                stream.write_all(b"HTTP/1.1 200 OK\r\nconte").await.unwrap();
            }
            Then::Answer(code, header, body) => {
                let answer = service_fn(|request: Request<Incoming>| {
                    let mut response = Response::builder().status(code);
                    if let Some((name, value)) = &header {
                        response = response.header(*name, value);
                    }
                    let response = response.body(Full::new(Bytes::from(body.clone()))).unwrap();
                    async move {
                        let (path, headers) = (request.uri().to_string(), request.headers().clone());
                        let body = request.into_body().collect().await.unwrap().to_bytes();
                        let body = String::from_utf8(body.to_vec()).unwrap();
                        self.received.lock().unwrap().push(Received { path, headers, body });
                        Ok::<_, Infallible>(response)
                    }
                });
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
            }
        }
    }
}
