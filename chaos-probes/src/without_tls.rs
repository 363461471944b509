use chaos_core::Result;
use tokio::net::TcpStream;

use crate::trouble::Trouble;

/// Stands in for the authorities that a probe trusts, since no certificate is seen without TLS.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trust {}

impl Trust {
    pub(crate) fn check_unused(&self) -> Result<()> {
        Ok(())
    }
}

/// Cannot be made.
#[derive(Debug)]
pub(crate) enum Tls {}

impl Tls {
    /// # Errors
    /// Always what a URL must be instead.
    pub(crate) fn with(_host: &str, _trust: &Trust) -> Result<Self, &'static str> {
        Err("a URL that begins with http://; for https://, build chaos-probes with its feature `tls`")
    }

    pub(crate) fn check(&self) -> Result<()> {
        match *self {}
    }

    #[expect(clippy::unused_async, reason = "with the feature, this is a handshake")]
    pub(crate) async fn over(self, _stream: TcpStream) -> Result<TcpStream, Trouble> {
        match self {}
    }
}
