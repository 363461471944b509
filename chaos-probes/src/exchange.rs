use std::{error::Error as StdError, pin::pin};

use chaos_core::{Error, Result};
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, StatusCode, Uri,
    body::{Bytes, Incoming},
    client::conn::http1,
    header::{self, HeaderName, HeaderValue},
};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    connection::connect,
    tls::{Tls, Trust},
    trouble::{LONGEST, Trouble},
};

/// A request that is ready to be sent.
#[derive(Debug)]
pub(crate) struct Exchange {
    host: String,
    port: u16,
    tls: Option<Tls>,
    request: Request<Full<Bytes>>,
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

impl Exchange {
    /// # Errors
    /// `InvalidInput` that names the part which can never be sent. It shows no value of a header and no password.
    pub(crate) fn new(
        method: &str,
        url: &str,
        headers: &[(String, String)],
        body: &Bytes,
        trust: &Trust,
    ) -> Result<Self> {
        let method = method.parse().ok().filter(|method| *method != Method::CONNECT).ok_or_else(|| {
            Error::invalid("method", format!("{method:?}"), "a method such as GET, but not CONNECT")
        })?;
        let (uri, host) = parsed(url)?;
        let tls = if uri.scheme_str() == Some("https") {
            let tls = Tls::with(&host, trust);
            Some(tls.map_err(|expected| Error::invalid("url", format!("{:?}", shown(url)), expected))?)
        } else {
            trust.check_unused()?;
            None
        };
        let port = uri.port_u16().unwrap_or(if tls.is_some() { 443 } else { 80 });
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = method;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = path.parse().map_err(|_| wrong_url(url))?;
        for (name, value) in headers {
            let (name, value) = header(name, value)?;
            request.headers_mut().append(name, value);
        }
        if !request.headers().contains_key(header::HOST) {
            let authority = uri.authority().map_or("", |authority| authority.as_str());
            let authority = HeaderValue::from_str(authority).map_err(|_| wrong_url(url))?;
            request.headers_mut().insert(header::HOST, authority);
        }
        request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        Ok(Self { host, port, tls, request })
    }

    /// Reads whom to trust.
    pub(crate) fn check(&self) -> Result<()> {
        self.tls.as_ref().map_or(Ok(()), Tls::check)
    }

    /// Sends it over a new connection and reads the whole answer, so that one that breaks off is none.
    pub(crate) async fn run(self) -> Result<Answer, Trouble> {
        let stream = connect(&self.host, self.port).await?;
        match self.tls {
            Some(tls) => answer(tls.over(stream).await?, self.request).await,
            None => answer(stream, self.request).await,
        }
    }
}

async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    request: Request<Full<Bytes>>,
) -> Result<Answer, Trouble> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let answered = async {
        let (parts, incoming) = sender.send_request(request).await.map_err(broken)?.into_parts();
        Ok(Answer { status: parts.status, body: whole(incoming).await? })
    };
    let (mut connection, mut answered) = (pin!(connection), pin!(answered));
    tokio::select! {
        biased;
        answer = &mut answered => answer,
        // The connection may end together with the answer.
        _ = &mut connection => answered.await,
    }
}

/// A URL as reports may show it. One that is refused may have a password in it.
pub(crate) fn shown(url: &str) -> String {
    if parsed(url).is_ok() { url.to_owned() } else { hidden(url) }
}

/// A wrong URL without everything before its last `@`: a typing error, such as a slash in a password that is not
/// escaped, puts the password anywhere before it.
fn hidden(url: &str) -> String {
    let scheme = ["http://", "https://"].into_iter().find(|scheme| url.starts_with(scheme)).unwrap_or("");
    url.rfind('@').map_or_else(|| url.to_owned(), |at| format!("{scheme}…{}", &url[at..]))
}

fn parsed(url: &str) -> Result<(Uri, String)> {
    let uri: Uri = url.parse().map_err(|_| wrong_url(url))?;
    let authority = uri.authority().ok_or_else(|| wrong_url(url))?;
    if authority.as_str().contains('@') {
        let expected = "a URL without user and password; put them into a header";
        return Err(Error::invalid("url", format!("{:?}", hidden(url)), expected));
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    // A colon without a number, or with one that is no port.
    let is_port_wrong = authority.port_u16().is_none() && authority.as_str().len() != authority.host().len();
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    if !is_http || host.is_empty() || is_port_wrong || authority.port_u16() == Some(0) {
        return Err(wrong_url(url));
    }
    Ok((uri, host))
}

fn wrong_url(url: &str) -> Error {
    let expected = "an absolute URL such as http://127.0.0.1:8080/health, with everything else escaped";
    Error::invalid("url", format!("{:?}", hidden(url)), expected)
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue)> {
    let expected =
        "a name such as accept; the probe itself sets content-length, transfer-encoding and connection";
    let own = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION];
    // What is no name may hold the value as well.
    let parsed = HeaderName::try_from(name).map_err(|_| Error::invalid("header", "(not shown)", expected))?;
    if own.contains(&parsed) {
        return Err(Error::invalid("header", format!("{name:?}"), expected));
    }
    let mut value = HeaderValue::try_from(value).map_err(|_| {
        let expected = "visible characters in one line";
        Error::invalid(format_args!("value of the header {name}"), "(not shown)", expected)
    })?;
    value.set_sensitive(true);
    Ok((parsed, value))
}

fn broken(error: hyper::Error) -> Trouble {
    Trouble::NoAnswer(format!("no HTTP answer: {}", with_sources(&error)))
}

/// Copied out of the buffers of the connection: a chunk of one byte would keep far more alive.
async fn whole(mut incoming: Incoming) -> Result<Vec<u8>, Trouble> {
    let mut body = Vec::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame
            .map_err(|error| Trouble::NoAnswer(format!("the body broke off: {}", with_sources(&error))))?;
        let data = frame.into_data().unwrap_or_default();
        if body.len() + data.len() > LONGEST {
            return Err(Trouble::no_answer("the body is longer than 1 MiB"));
        }
        body.extend_from_slice(&data);
    }
    Ok(body)
}

fn with_sources(error: &(dyn StdError + 'static)) -> String {
    let errors = std::iter::successors(Some(error), |error| (*error).source());
    errors.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
