use super::{
    connection::{Patient, Stream},
    exchange::Failed,
};
use crate::runner::trouble::TroubleKind;

/// Stands in for the authorities that are trusted, since no certificate is seen without TLS.
#[derive(Debug, Default)]
pub(super) struct Trust {}

/// Cannot be made.
#[derive(Debug)]
pub(super) enum Tls {}

impl Trust {
    /// # Errors
    /// Always.
    pub(super) fn with(&self, _host: &str, _is_verified: bool) -> Result<Tls, Failed> {
        let why = "https:// needs chaos-lab with its feature `tls`".to_owned();
        Err(Failed { kind: TroubleKind::Refused, why })
    }
}

impl Tls {
    #[expect(clippy::unused_async, reason = "with the feature, this is a handshake")]
    pub(super) async fn over(self, _stream: Patient) -> Result<Box<dyn Stream>, Failed> {
        match self {}
    }
}
