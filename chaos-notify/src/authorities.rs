use std::{fs, path::Path};

use chaos_core::{Error, ErrorKind, Result};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// The certificates of the authorities that a server's certificate may come from.
#[derive(Debug)]
pub(crate) struct Authorities {
    /// Those of the named file and of this machine. Each can be read.
    pub(crate) certificates: Vec<CertificateDer<'static>>,
    /// This machine has none, as in a container from nothing: those that Mozilla trusts count instead.
    pub(crate) as_of_mozilla: bool,
}

impl Authorities {
    /// Reads those of this machine and, if there is one, those in a file.
    ///
    /// # Errors
    /// `InvalidInput` if the file cannot be read or holds no certificate.
    pub(crate) fn read(file: Option<&Path>) -> Result<Self> {
        let mut certificates = match file {
            Some(file) => of_file(file)?,
            None => Vec::new(),
        };
        let of_machine = rustls_native_certs::load_native_certs().certs;
        let before = certificates.len();
        certificates.extend(of_machine.into_iter().filter(can_be_read));
        let as_of_mozilla = certificates.len() == before;
        Ok(Self { certificates, as_of_mozilla })
    }
}

fn of_file(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let invalid = || {
        let expected = "a file with the certificates of authorities in PEM";
        Error::invalid("trusting", format!("{file:?}"), expected)
    };
    let unread =
        |error: std::io::Error| Error::new(ErrorKind::InvalidInput, "it cannot be read").caused_by(error);
    // A named pipe would block.
    let is_file = fs::metadata(file).map_err(|error| invalid().caused_by(unread(error)))?.is_file();
    if !is_file {
        return Err(invalid());
    }
    let certificates = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = certificates.map_err(|error| invalid().caused_by(error.to_string()))?;
    if certificates.is_empty() || !certificates.iter().all(can_be_read) {
        return Err(invalid());
    }
    Ok(certificates)
}

fn can_be_read(certificate: &CertificateDer<'static>) -> bool {
    RootCertStore::empty().add(certificate.clone()).is_ok()
}
