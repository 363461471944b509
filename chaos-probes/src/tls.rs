use std::{
    fs, io,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use chaos_core::{Error, ErrorKind, Result, jiff::Timestamp, text::escaped};
use tokio::{net::TcpStream, task::spawn_blocking};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        self, CertificateError, ClientConfig, RootCertStore,
        client::Resumption,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    },
};

use crate::{connection::failed, trouble::Trouble};

/// The authorities that a probe trusts. They are read once, and shared by clones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trust {
    file: Option<PathBuf>,
    read: Arc<OnceLock<Arc<ClientConfig>>>,
}

impl Trust {
    /// Trusts the authorities in a file as well as those of this machine.
    pub(crate) fn with_file(file: PathBuf) -> Self {
        Self { file: Some(file), read: Arc::default() }
    }

    /// # Errors
    /// `InvalidInput` if a file of authorities was named, but no certificate will be seen.
    pub(crate) fn check_unused(&self) -> Result<()> {
        self.file.as_ref().map_or(Ok(()), |file| {
            let expected =
                "a URL that begins with https://, because no server shows a certificate over http://";
            Err(Error::invalid("trusting", format!("{file:?}"), expected))
        })
    }

    fn config(&self) -> Result<Arc<ClientConfig>> {
        if let Some(read) = self.read.get() {
            return Ok(Arc::clone(read));
        }
        let mut roots = RootCertStore::empty();
        if let Some(file) = &self.file {
            add_file(file, &mut roots).map_err(|why| {
                let expected = "a file with the certificates of authorities in PEM";
                Error::invalid("trusting", format!("{file:?}"), expected).caused_by(why)
            })?;
        }
        let machine = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(machine.certs);
        if roots.is_empty() {
            let what = "this machine has no certificates of authorities, so no answer over HTTPS can be \
                trusted; install ca-certificates, set SSL_CERT_FILE, or name a file by `trusting`";
            let error = Error::new(ErrorKind::Unavailable, what);
            return Err(match machine.errors.into_iter().next() {
                Some(cause) => error.caused_by(cause),
                None => error,
            });
        }
        let config = Arc::new(configured(roots)?);
        Ok(Arc::clone(self.read.get_or_init(|| config)))
    }
}

fn add_file(file: &PathBuf, roots: &mut RootCertStore) -> Result<(), String> {
    // A named pipe would block.
    if !fs::metadata(file).map_err(|error| error.to_string())?.is_file() {
        return Err("it is not a file".to_owned());
    }
    let before = roots.len();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| error.to_string())? {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.len() == before { Err("it holds no certificate".to_owned()) } else { Ok(()) }
}

fn configured(roots: RootCertStore) -> Result<ClientConfig> {
    // By name: a program with two providers has no default one, and would panic.
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(ErrorKind::Other, "TLS cannot be set up").caused_by(error))?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A resumed session shows no certificate, and the next customer has none to resume.
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// TLS with a host, over a connection to come.
#[derive(Debug)]
pub(crate) struct Tls {
    name: ServerName<'static>,
    trust: Trust,
}

impl Tls {
    /// # Errors
    /// What a URL must be instead, if no certificate can be for this host.
    pub(crate) fn with(host: &str, trust: &Trust) -> Result<Self, &'static str> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| "a URL whose host is a DNS name or an IP address, as it stands in certificates")?;
        Ok(Self { name, trust: trust.clone() })
    }

    /// Reads the authorities.
    pub(crate) fn check(&self) -> Result<()> {
        self.trust.config().map(drop)
    }

    /// Shakes hands.
    pub(crate) async fn over(self, stream: TcpStream) -> Result<TlsStream<TcpStream>, Trouble> {
        let Self { name, trust } = self;
        // Files are read there, unless `check` has read them.
        let config = spawn_blocking(move || trust.config()).await.map_err(|error| {
            Error::new(ErrorKind::Other, "certificates of authorities could not be read").caused_by(error)
        })??;
        TlsConnector::from(config).connect(name, stream).await.map_err(refused)
    }
}

fn refused(error: io::Error) -> Trouble {
    let Some(why) = error.get_ref().and_then(|why| why.downcast_ref::<rustls::Error>()) else {
        return failed(error, |error| format!("the TLS handshake broke off: {error}"));
    };
    match why {
        rustls::Error::InvalidCertificate(why) => {
            Trouble::NoAnswer(format!("its certificate is refused: {}", lack(why)))
        }
        rustls::Error::InvalidMessage(_) => Trouble::NoAnswer(format!("it does not speak TLS: {why}")),
        rustls::Error::FailedToGetCurrentTime | rustls::Error::FailedToGetRandomBytes => {
            let what = "a probe could not look, because this machine lacks what TLS needs";
            Error::new(ErrorKind::Unavailable, what).caused_by(error).into()
        }
        why => Trouble::NoAnswer(format!("the TLS handshake failed: {why}")),
    }
}

fn lack(why: &CertificateError) -> String {
    match why {
        CertificateError::ExpiredContext { not_after, .. } => format!("it expired at {}", shown(*not_after)),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("it is not valid before {}", shown(*not_before))
        }
        CertificateError::UnknownIssuer => "its authority is not trusted; to trust it, name a file with its \
            certificate by `trusting`"
            .to_owned(),
        // It may hold names out of the certificate.
        other => escaped(&other.to_string()).to_string(),
    }
}

fn shown(time: UnixTime) -> String {
    let seconds = time.as_secs();
    let timestamp = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    timestamp.map_or_else(|| format!("second {seconds}"), |timestamp| timestamp.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_wrong_with_a_certificate_is_told_with_its_time() {
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let expired = CertificateError::ExpiredContext { time: at(1), not_after: at(1_609_459_200) };
        assert_eq!(lack(&expired), "it expired at 2021-01-01T00:00:00Z");
        let early = CertificateError::NotValidYetContext { time: at(1), not_before: at(1_609_459_200) };
        assert_eq!(lack(&early), "it is not valid before 2021-01-01T00:00:00Z");
        assert_eq!(shown(at(u64::MAX)), format!("second {}", u64::MAX));
    }

    #[test]
    fn a_machine_without_time_or_randomness_is_a_doubt() {
        let told = |error: rustls::Error| refused(io::Error::other(error));
        assert!(matches!(told(rustls::Error::FailedToGetRandomBytes), Trouble::Doubt(_)));
        assert!(matches!(told(rustls::Error::FailedToGetCurrentTime), Trouble::Doubt(_)));
        assert!(matches!(told(rustls::Error::NoCertificatesPresented), Trouble::NoAnswer(_)));
    }
}
