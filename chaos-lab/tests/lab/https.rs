use std::{path::Path, sync::Arc};

use chaos_lab::{
    experiment::{HttpProvider, Provider},
    runner::{Runner, Trouble, TroubleKind},
    substitution::Names,
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
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

use crate::soon;

/// Names the server that a child of a test asks.
const ASKS: &str = "CHAOS_LAB_ASKS";

/// A server that shows one certificate.
async fn server(certificate: &str) -> u16 {
    let file = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("../fakes/certificates").join(name);
    let chain = vec![CertificateDer::from_pem_file(file(certificate)).unwrap()];
    let key = PrivateKeyDer::from_pem_file(file("key.pem")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(chain, key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX-Case: a\r\nContent-Length: 4\r\n\r\nwell").await;
            let _ = stream.shutdown().await;
        }
    });
    port
}

async fn ask(url: String, is_verified: bool) -> Result<Value, Trouble> {
    let mut provider = HttpProvider::get(url);
    provider.verify_tls = is_verified;
    soon(Runner::start().unwrap().carry_out(&Provider::Http(provider), &Names::default())).await
}

#[tokio::test]
async fn any_certificate_will_do_only_if_the_experiment_says_so() {
    for certificate in ["localhost.pem", "elsewhere.pem", "expired.pem"] {
        let url = format!("https://localhost:{}/", server(certificate).await);
        let trouble = ask(url.clone(), true).await.unwrap_err();
        assert_eq!(trouble.kind(), TroubleKind::Unreachable, "{trouble}");
        let output = ask(url, false).await.unwrap();
        assert_eq!((&output["body"], &output["headers"]["X-Case"]), (&"well".into(), &"a".into()));
    }
}

/// If the variable names a server, it is asked.
#[tokio::test]
async fn the_child_that_asks() {
    if let Ok(url) = std::env::var(ASKS) {
        assert_eq!(ask(url, true).await.unwrap()["body"], "well");
    }
}

#[tokio::test]
async fn authorities_of_the_machine_are_trusted() {
    let authority = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fakes/certificates/authority.pem");
    for (certificate, is_trusted) in
        [("localhost.pem", true), ("elsewhere.pem", false), ("expired.pem", false)]
    {
        let url = format!("https://localhost:{}/", server(certificate).await);
        let child = tokio::task::spawn_blocking({
            let authority = authority.clone();
            move || {
                std::process::Command::new(std::env::current_exe().unwrap())
                    .args(["--exact", "https::the_child_that_asks"])
                    .env("SSL_CERT_FILE", authority)
                    .env(ASKS, url)
                    .output()
            }
        });
        let output = soon(child).await.unwrap().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("running 1 test"), "{output:?}");
        assert_eq!(output.status.success(), is_trusted, "{certificate} {output:?}");
    }
}
