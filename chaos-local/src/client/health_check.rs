use std::{fmt, io, net::SocketAddr, pin::pin, time::Duration};

use chaos_core::{Error, ErrorKind, Result, clock::Clock};
use http_body_util::Empty;
use hyper::{Request, Uri, body::Bytes, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpSocket, TcpStream};

use crate::client::{network_namespace::NetworkNamespace, process_handle::ProcessHandle, scarcity::scarcity};

/// A check whether a process is healthy. A process that does not exist or is stopped is never healthy.
///
/// ```
/// use std::time::Duration;
/// use chaos_local::HealthCheck;
///
/// let check = HealthCheck::http("/health").time_limit(Duration::from_millis(200));
/// assert_eq!(check.to_string(), "GET /health answers 2xx within 200ms");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthCheck {
    kind: Kind,
    time_limit: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Http { path: String },
    Tcp,
    Alive,
}

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    Passed,
    Failed(String),
}

impl HealthCheck {
    const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(1);

    /// Healthy when `GET path` over HTTP/1.1 on the process's port of 127.0.0.1 answers with a 2xx status. For a
    /// process in another network namespace, that is the 127.0.0.1 there, which needs root.
    ///
    /// The path begins with a slash and may have a query. It is checked when the health check is used.
    pub fn http(path: impl Into<String>) -> Self {
        Self::new(Kind::Http { path: path.into() })
    }

    /// Healthy when the process's port of 127.0.0.1, in its network namespace, accepts a connection.
    ///
    /// The kernel accepts connections for a hanging process until its backlog is full, so [`http`](HealthCheck::http)
    /// is more reliable.
    pub fn tcp() -> Self {
        Self::new(Kind::Tcp)
    }

    /// Healthy when the process exists and is not stopped.
    pub fn alive() -> Self {
        Self::new(Kind::Alive)
    }

    /// Sets the time limit of one check, after which it counts as failed. Default: 1 second.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    fn new(kind: Kind) -> Self {
        Self { kind, time_limit: Self::DEFAULT_TIME_LIMIT }
    }

    pub(crate) fn needs_port(&self) -> bool {
        self.kind != Kind::Alive
    }

    /// Refuses a check that could never pass.
    pub(crate) fn validate(&self) -> Result<()> {
        if self.time_limit.is_zero() {
            return Err(Error::invalid("health check time limit", "0s", "more than zero"));
        }
        if let Kind::Http { path } = &self.kind {
            let is_right = path.starts_with('/') && path.parse::<Uri>().is_ok();
            if !is_right {
                return Err(Error::invalid(
                    "health check path",
                    format!("{path:?}"),
                    "a path that begins with a slash and is escaped as in a URL, such as /health",
                ));
            }
        }
        Ok(())
    }

    /// Looks once at a running process, from inside its network namespace.
    ///
    /// An error is a doubt: the check could not run.
    pub(crate) async fn look_at(
        &self,
        process: &ProcessHandle,
        address: Option<SocketAddr>,
        clock: &dyn Clock,
    ) -> Result<Finding> {
        if self.kind == Kind::Alive {
            return Ok(Finding::Passed);
        }
        let namespace = match NetworkNamespace::of_process(process) {
            Ok(Some(namespace)) if !namespace.is_own()? => Some(namespace),
            Ok(_) => None,
            // Without the permission to look, we could not enter it anyway. Most likely it is in our own namespace:
            // privileged programs hide theirs.
            Err(error) if error.kind() == ErrorKind::Denied => None,
            Err(error) => return Err(error),
        };
        self.look(address, namespace.as_ref(), clock).await
    }

    async fn look(
        &self,
        address: Option<SocketAddr>,
        inside: Option<&NetworkNamespace>,
        clock: &dyn Clock,
    ) -> Result<Finding> {
        let address = address
            .ok_or_else(|| Error::invalid("port", "none", "a port, because the health check needs one"))?;
        let looked = async {
            match &self.kind {
                Kind::Http { path } => get(address, inside, path).await,
                Kind::Tcp | Kind::Alive => connect(address, inside).await.map(|_| Finding::Passed),
            }
        };
        tokio::select! {
            biased;
            looked = looked => match looked {
                Ok(finding) => Ok(finding),
                Err(failure) => failure.into_finding(address),
            },
            () = clock.sleep(self.time_limit) => Ok(Finding::Failed(format!("no answer within {:?}", self.time_limit))),
        }
    }
}

impl fmt::Display for HealthCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Http { path } => write!(f, "GET {path} answers 2xx within {:?}", self.time_limit),
            Kind::Tcp => write!(f, "the port accepts a connection within {:?}", self.time_limit),
            Kind::Alive => f.write_str("the process is alive"),
        }
    }
}

enum Failure {
    Entry(Error),
    Connect(io::Error),
    Exchange(String),
}

impl Failure {
    /// If this machine cannot run the check, that says nothing about the process.
    fn into_finding(self, address: SocketAddr) -> Result<Finding> {
        match self {
            Self::Entry(error) => Err(error),
            Self::Connect(error) => match scarcity(&error) {
                Some(scarce) => {
                    let what = format!("a health check could not run for lack of {scarce}");
                    Err(Error::new(ErrorKind::Unavailable, what).with("address", address).caused_by(error))
                }
                None => Ok(Finding::Failed(format!("no connection to {address}: {error}"))),
            },
            Self::Exchange(reason) => Ok(Finding::Failed(reason)),
        }
    }
}

async fn connect(address: SocketAddr, inside: Option<&NetworkNamespace>) -> Result<TcpStream, Failure> {
    let stream = match inside {
        Some(namespace) => {
            // A socket belongs to the namespace in which it was created, whichever thread uses it.
            let socket = namespace.within(TcpSocket::new_v4);
            let socket = socket.map_err(|error| Failure::Entry(namespace.not_entered(error)))?;
            socket.connect(address).await
        }
        None => TcpStream::connect(address).await,
    };
    to_another(stream.map_err(Failure::Connect)?, address)
}

/// If nothing listens, TCP may connect a socket to itself: the kernel may pick the requested port as the local one.
fn to_another(stream: TcpStream, address: SocketAddr) -> Result<TcpStream, Failure> {
    match stream.local_addr() {
        Ok(local) if local != address => Ok(stream),
        Ok(_) => Err(Failure::Exchange(format!("nothing listens on {address}"))),
        Err(error) => Err(Failure::Connect(error)),
    }
}

async fn get(address: SocketAddr, inside: Option<&NetworkNamespace>, path: &str) -> Result<Finding, Failure> {
    let exchange_failed = |error: &dyn fmt::Display| Failure::Exchange(format!("GET {path} failed: {error}"));
    let request = Request::get(path)
        .header(header::HOST, address.to_string())
        .body(Empty::<Bytes>::new())
        .map_err(|error| exchange_failed(&error))?;
    let stream = TokioIo::new(connect(address, inside).await?);
    let (mut sender, connection) = http1::handshake(stream).await.map_err(|error| exchange_failed(&error))?;
    let mut connection = pin!(connection);
    let mut response = pin!(sender.send_request(request));
    let response = tokio::select! {
        biased;
        response = &mut response => response,
        // The connection may end together with the answer.
        _ = &mut connection => response.await,
    };
    let status = response.map_err(|error| exchange_failed(&error))?.status();
    Ok(if status.is_success() {
        Finding::Passed
    } else {
        Finding::Failed(format!("GET {path} answered {status}"))
    })
}

#[cfg(test)]
mod tests {
    use chaos_core::clock::SystemClock;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    async fn answering(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let length = stream.read(&mut request).await.unwrap();
            assert!(request[..length].starts_with(b"GET /health?deep=1 HTTP/1.1\r\n"));
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        address
    }

    async fn look(check: &HealthCheck, address: SocketAddr) -> Finding {
        check.look(Some(address), None, &SystemClock::default()).await.unwrap()
    }

    #[tokio::test]
    async fn http_passes_on_2xx_only() {
        let check = HealthCheck::http("/health?deep=1");
        let address = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
        assert_eq!(look(&check, address).await, Finding::Passed);
        for answer in [
            "HTTP/1.1 301 Moved\r\nlocation: /\r\n\r\n",
            "HTTP/1.1 503 Sorry\r\ncontent-length: 0\r\n\r\n",
            "SSH-2.0-x\r\n",
            "",
        ] {
            let address = answering(answer).await;
            assert!(matches!(look(&check, address).await, Finding::Failed(_)), "{answer:?}");
        }
    }

    #[tokio::test]
    async fn silence_fails_at_the_time_limit_and_a_closed_port_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let check = HealthCheck::http("/").time_limit(Duration::from_millis(50));
        assert_eq!(look(&check, address).await, Finding::Failed("no answer within 50ms".to_owned()));
        assert_eq!(look(&HealthCheck::tcp(), address).await, Finding::Passed);
        drop(listener);
        assert!(matches!(look(&HealthCheck::tcp(), address).await, Finding::Failed(_)));
    }

    #[tokio::test]
    async fn a_connection_to_itself_is_nobody() {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = socket.local_addr().unwrap();
        let stream = socket.connect(address).await.unwrap();
        assert!(matches!(to_another(stream, address), Err(Failure::Exchange(_))));
    }

    #[test]
    fn what_could_never_pass_is_refused_by_name() {
        for path in ["", "health", "/a b", "/\n", "http://elsewhere/"] {
            let error = HealthCheck::http(path).validate().expect_err(path);
            assert!(error.to_string().contains("health check path"), "{error}");
        }
        assert!(HealthCheck::tcp().time_limit(Duration::ZERO).validate().is_err());
        HealthCheck::http("/%20?a=b").validate().unwrap();
    }
}
