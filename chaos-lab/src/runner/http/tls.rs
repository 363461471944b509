use std::{
    io,
    sync::{Arc, OnceLock},
};

use chaos_core::text::escaped;
use tokio::task::spawn_blocking;
use tokio_rustls::{
    TlsConnector,
    rustls::{
        self, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
        client::{
            Resumption,
            danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        },
        crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
        pki_types::{CertificateDer, ServerName, UnixTime},
    },
};

use super::{
    connection::{Patient, Stream},
    exchange::Failed,
};
use crate::runner::trouble::TroubleKind;

/// The authorities of this machine. They are read once.
#[derive(Debug, Default)]
pub(super) struct Trust {
    read: Arc<OnceLock<Arc<ClientConfig>>>,
}

/// TLS with a host, over a connection to come.
#[derive(Debug)]
pub(super) struct Tls {
    name: ServerName<'static>,
    /// Not if any certificate will do.
    verifying: Option<Arc<OnceLock<Arc<ClientConfig>>>>,
}

impl Trust {
    /// # Errors
    /// If no certificate can be for this host.
    pub(super) fn with(&self, host: &str, is_verified: bool) -> Result<Tls, Failed> {
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|_| failed("no certificate can be for this host"))?;
        Ok(Tls { name, verifying: is_verified.then(|| Arc::clone(&self.read)) })
    }
}

impl Tls {
    /// Shakes hands.
    pub(super) async fn over(self, stream: Patient) -> Result<Box<dyn Stream>, Failed> {
        let Self { name, verifying } = self;
        let config = match verifying {
            None => unverified()?,
            Some(read) => match read.get() {
                Some(config) => Arc::clone(config),
                None => {
                    // Files are read there.
                    let loaded =
                        spawn_blocking(verified).await.map_err(|_| failed("TLS cannot be set up"))??;
                    Arc::clone(read.get_or_init(|| loaded))
                }
            },
        };
        match TlsConnector::from(config).connect(name, stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(Failed {
                kind: TroubleKind::TimedOut,
                why: "its server was silent for too long while TLS was set up".to_owned(),
            }),
            // It may hold names out of the certificate.
            Err(error) => Err(Failed {
                kind: TroubleKind::Unreachable,
                why: format!("there is no TLS connection: {}", escaped(&error.to_string())),
            }),
        }
    }
}

fn failed(why: &str) -> Failed {
    Failed { kind: TroubleKind::Refused, why: why.to_owned() }
}

fn verified() -> Result<Arc<ClientConfig>, Failed> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let why =
            "this machine has no certificates of authorities; install ca-certificates, or set SSL_CERT_FILE";
        return Err(failed(why));
    }
    let config = versions()?.with_root_certificates(roots).with_no_client_auth();
    Ok(configured(config))
}

fn unverified() -> Result<Arc<ClientConfig>, Failed> {
    let any = Arc::new(Any(ring::default_provider()));
    let config = versions()?.dangerous().with_custom_certificate_verifier(any).with_no_client_auth();
    Ok(configured(config))
}

fn versions() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, Failed> {
    // By name: a program with two providers has no default one, and would panic.
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| failed("TLS cannot be set up"))
}

fn configured(mut config: ClientConfig) -> Arc<ClientConfig> {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A resumed session shows no certificate.
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

/// Takes any certificate, but only from whoever has its key.
#[derive(Debug)]
struct Any(CryptoProvider);

impl ServerCertVerifier for Any {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
