//! The HTTP transport of every service and region.

use std::{
    collections::HashMap,
    env, fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use aws_smithy_http_client::{
    Connector, ConnectorBuilder,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    connector_metadata::ConnectorMetadata,
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};
use chaos_core::{Error, Result};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// The TLS implementation.
const TLS: Provider = Provider::Rustls(CryptoMode::AwsLc);

/// The variables that name a proxy for plain HTTP.
const PROXIES: [&str; 4] = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];

/// A file with the certificates of the authorities to trust instead of the machine's, for a proxy that intercepts TLS,
/// as for the AWS CLI.
const BUNDLE: &str = "AWS_CA_BUNDLE";

/// Checks that the file that [`BUNDLE`] names can be read.
///
/// # Errors
/// `InvalidInput` if it does not name a file of certificates.
pub(crate) fn validate_bundle() -> Result<()> {
    bundle().map_or(Ok(()), |path| read_bundle(&path).map(drop))
}

fn bundle() -> Option<PathBuf> {
    env::var_os(BUNDLE).filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn read_bundle(path: &Path) -> Result<TrustStore> {
    let wrong = |what: String| {
        Error::invalid(BUNDLE, format!("{:?}", path.display()), "a file of certificates in PEM")
            .caused_by(what)
    };
    let text = fs::read(path).map_err(|error| wrong(error.to_string()))?;
    // The SDK panics if it cannot read the file.
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("it holds no certificate".to_owned()));
    }
    Ok(TrustStore::empty().with_pem_certificate(text))
}

/// The SDK's own HTTP client, shared by all.
///
/// By default, the SDK reads the machine's root certificates twice for each service and region: once when a client is
/// made and once when it is first used, even if it only calls an emulator over plain HTTP. That is most of the
/// processor time of a short drill. Here they are read once, for the first call over TLS.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    connectors: Arc<Mutex<HashMap<Timeouts, Arc<Connections>>>>,
    bundle: Option<PathBuf>,
}

impl Default for Transport {
    fn default() -> Self {
        Self { connectors: Arc::default(), bundle: bundle() }
    }
}

/// The settings in which connectors differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Timeouts {
    connect: Option<Duration>,
    read: Option<Duration>,
}

/// Connections with the same time-outs.
#[derive(Debug)]
struct Connections {
    builder: ConnectorBuilder,
    bundle: Option<PathBuf>,
    plain: OnceLock<Connector>,
    secure: OnceLock<Connector>,
}

#[derive(Debug)]
struct Shared(Arc<Connections>);

impl HttpClient for Transport {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let timeouts = Timeouts { connect: settings.connect_timeout(), read: settings.read_timeout() };
        let mut connectors = self.connectors.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = connectors
            .entry(timeouts)
            .or_insert_with(|| Arc::new(Connections::new(settings, components, self.bundle.clone())));
        SharedHttpConnector::new(Shared(Arc::clone(connections)))
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        Some(ConnectorMetadata::new("hyper", Some("1.x".into())))
    }
}

impl Connections {
    fn new(
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
        bundle: Option<PathBuf>,
    ) -> Self {
        let mut builder = Connector::builder().connector_settings(settings.clone());
        builder.set_sleep_impl(components.sleep_impl());
        builder.set_proxy_config(Some(ProxyConfig::from_env()));
        Self { builder, bundle, plain: OnceLock::new(), secure: OnceLock::new() }
    }

    fn secure(&self) -> &Connector {
        self.secure.get_or_init(|| {
            let builder = self.builder.clone().tls_provider(TLS);
            // If the file can no longer be read, nothing is trusted: that is no reason to trust others.
            let trusted =
                self.bundle.as_deref().map(|path| read_bundle(path).unwrap_or_else(|_| TrustStore::empty()));
            match trusted.and_then(|store| TlsContext::builder().with_trust_store(store).build().ok()) {
                Some(context) => builder.tls_context(context).build(),
                None => builder.build(),
            }
        })
    }

    /// Trusts no authority, so that a TLS call that gets here by mistake fails.
    fn plain(&self) -> &Connector {
        match TlsContext::builder().with_trust_store(TrustStore::empty()).build() {
            Ok(nobody) => {
                self.plain.get_or_init(|| self.builder.clone().tls_provider(TLS).tls_context(nobody).build())
            }
            Err(_) => self.secure(),
        }
    }
}

impl HttpConnector for Shared {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // A proxy may itself be reached over TLS.
        let is_plain =
            request.uri().starts_with("http://") && PROXIES.iter().all(|name| env::var_os(name).is_none());
        let connector = if is_plain { self.0.plain() } else { self.0.secure() };
        connector.call(request)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
    use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
    use rustls::pki_types::PrivateKeyDer;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    impl Transport {
        /// Whether a connector for plain HTTP, and one with the machine's root certificates, was made.
        fn made(&self) -> (bool, bool) {
            let connectors = self.connectors.lock().unwrap();
            let is_made = |of: fn(&Connections) -> &OnceLock<Connector>| {
                connectors.values().any(|connections| of(connections).get().is_some())
            };
            (is_made(|connections| &connections.plain), is_made(|connections| &connections.secure))
        }
    }

    fn client(transport: &Transport, endpoint: String) -> aws_sdk_ec2::Client {
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .endpoint_url(endpoint)
            .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
            .retry_config(RetryConfig::disabled())
            .http_client(transport.clone())
            .build();
        aws_sdk_ec2::Client::new(&config)
    }

    /// Answers every request on plain HTTP, and closes the connection on anything else.
    async fn server() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut start = [0; 4];
                if stream.read_exact(&mut start).await.is_ok() && start == *b"POST" {
                    let body = "<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>";
                    let length = body.len();
                    let head =
                        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
                    let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
                }
            }
        });
        address.to_string()
    }

    #[tokio::test]
    async fn root_certificates_are_read_when_a_call_goes_over_tls_and_once() {
        let (transport, address) = (Transport::default(), server().await);
        for _ in 0..2 {
            let call = client(&transport, format!("http://{address}")).describe_instances();
            call.send().await.unwrap();
        }
        assert_eq!(transport.made(), (true, false));
        let call = client(&transport, format!("https://{address}")).describe_instances();
        call.send().await.expect_err("nothing there speaks TLS");
        assert_eq!(transport.made(), (true, true));
        assert_eq!(transport.connectors.lock().unwrap().len(), 1, "clients share what they can");
    }

    fn fixture(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../fakes/certificates").join(name)
    }

    /// Answers one call over TLS, with this certificate.
    fn tls_server(certificate: &str) -> String {
        let certificates = CertificateDer::pem_file_iter(fixture(certificate)).unwrap();
        let certificates = certificates.collect::<Result<Vec<_>, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_file(fixture("key.pem")).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(certificates, key)
            .unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (socket, _) = listener.accept().unwrap();
            let connection = rustls::ServerConnection::new(Arc::new(config)).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, socket);
            let mut request = [0; 4096];
            if stream.read(&mut request).is_ok() {
                let body = "<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>";
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
                let _ = stream.flush();
            }
        });
        format!("https://localhost:{port}")
    }

    async fn called(bundle: Option<&str>, certificate: &str) -> Result<()> {
        let transport = Transport { bundle: bundle.map(fixture), ..Transport::default() };
        let answer = client(&transport, tls_server(certificate)).describe_instances().send().await;
        let failed = |error| crate::client::error::failed("ec2:DescribeInstances", "eu-west-1", error);
        answer.map(drop).map_err(failed)
    }

    #[tokio::test]
    async fn a_bundle_of_authorities_counts_and_what_is_wrong_with_a_certificate_is_named() {
        called(Some("authority.pem"), "localhost.pem").await.unwrap();
        for (bundle, certificate, expected) in [
            (None, "localhost.pem", "set AWS_CA_BUNDLE to a file"),
            (Some("authority.pem"), "expired.pem", "it has expired"),
            (Some("authority.pem"), "elsewhere.pem", "it belongs to another host"),
        ] {
            let error = called(bundle, certificate).await.expect_err(certificate);
            assert_eq!(error.kind(), chaos_core::ErrorKind::Unavailable, "{error:?}");
            assert!(error.to_string().contains(expected), "{certificate}: {error:?}");
        }
    }

    /// Each names its own: with two providers in one program, rustls has no default one.
    #[tokio::test]
    async fn a_probe_and_the_sdk_bring_a_provider_of_tls_each() {
        use chaos_core::{clock::SystemClock, steady_state::Probe};

        for _ in 0..2 {
            called(Some("authority.pem"), "localhost.pem").await.unwrap();
            let probe = chaos_probes::Http::get(tls_server("localhost.pem"))
                .trusting(fixture("authority.pem"))
                .answering_within(Duration::from_secs(60));
            assert_eq!(probe.look(&SystemClock::default()).await.unwrap(), 200.into());
        }
    }

    #[test]
    fn a_bundle_that_is_none_is_told() {
        read_bundle(&fixture("authority.pem")).unwrap();
        for name in ["nobody.pem", "key.pem"] {
            let error = read_bundle(&fixture(name)).expect_err(name).to_string();
            assert!(error.starts_with("invalid AWS_CA_BUNDLE: "), "{error}");
        }
    }
}
