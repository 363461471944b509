use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use chaos_core::{ErrorKind, steady_state::Probe};
use chaos_probes::{Http, Prometheus};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        HandshakeKind, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

use crate::{
    look,
    server::{Server, Then},
    silence,
};

const LONG: Duration = Duration::from_secs(60);
const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nwell";
/// Names the server that a child of a test looks at.
const LOOKS_AT: &str = "CHAOS_PROBES_LOOKS_AT";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fakes/certificates").join(name)
}

/// A server that shows one certificate and answers every connection with the same bytes.
struct Secure {
    port: u16,
    shaken: Arc<Mutex<Vec<Shaken>>>,
}

/// A handshake that was seen to its end.
#[derive(Debug, PartialEq)]
struct Shaken {
    kind: HandshakeKind,
    protocol: Option<Vec<u8>>,
    host: Option<String>,
}

#[derive(Clone, Copy)]
enum Ends {
    Properly,
    WithoutTelling,
}

impl Secure {
    async fn answering(certificate: &str, answer: impl Into<Vec<u8>>, ends: Ends) -> Self {
        let certificates = CertificateDer::pem_file_iter(fixture(certificate)).unwrap();
        let certificates = certificates.collect::<Result<Vec<_>, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_file(fixture("key.pem")).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let mut config = config.with_single_cert(certificates, key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (answer, shaken) = (answer.into(), Arc::new(Mutex::new(Vec::new())));
        let kept = Arc::clone(&shaken);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, answer, kept) = (acceptor.clone(), answer.clone(), Arc::clone(&kept));
                tokio::spawn(async move { serve(&acceptor, stream, &answer, ends, &kept).await });
            }
        });
        Self { port, shaken }
    }

    async fn showing(certificate: &str) -> Self {
        Self::answering(certificate, ANSWER, Ends::Properly).await
    }

    fn url(&self) -> String {
        format!("https://localhost:{}/", self.port)
    }
}

async fn serve(
    acceptor: &TlsAcceptor,
    stream: TcpStream,
    answer: &[u8],
    ends: Ends,
    kept: &Mutex<Vec<Shaken>>,
) {
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    let (_, connection) = stream.get_ref();
    kept.lock().unwrap().push(Shaken {
        kind: connection.handshake_kind().unwrap(),
        protocol: connection.alpn_protocol().map(<[u8]>::to_vec),
        host: connection.server_name().map(str::to_owned),
    });
    let read = stream.read(&mut [0; 4096]).await;
    if read.is_err() || stream.write_all(answer).await.is_err() || stream.flush().await.is_err() {
        return;
    }
    match ends {
        Ends::Properly => drop(stream.shutdown().await),
        Ends::WithoutTelling => drop(stream.into_inner().0.shutdown().await),
    }
}

/// A look that trusts the authority of the tests.
fn trusting(url: impl Into<String>) -> Http {
    Http::get(url).trusting(fixture("authority.pem")).answering_within(LONG)
}

#[tokio::test]
async fn an_authority_out_of_a_file_is_trusted_and_each_look_shakes_hands_afresh() {
    let server = Secure::showing("localhost.pem").await;
    let probe = trusting(server.url());
    for _ in 0..2 {
        assert_eq!(look(&probe).await.unwrap(), 200.into());
    }
    assert_eq!(look(&probe.text()).await.unwrap(), "well".into());
    let shaken = server.shaken.lock().unwrap();
    assert_eq!(shaken.len(), 3);
    for shaken in shaken.iter() {
        assert!(matches!(shaken.kind, HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest));
        assert_eq!(shaken.protocol.as_deref(), Some(&b"http/1.1"[..]));
        assert_eq!(shaken.host.as_deref(), Some("localhost"));
    }
}

#[tokio::test]
async fn a_certificate_that_a_customer_would_refuse_is_no_answer_that_says_why() {
    for (certificate, said) in [
        ("expired.pem", "it expired at 2021-01-01T00:00:00Z"),
        ("elsewhere.pem", "not valid for name \"localhost\""),
    ] {
        let server = Secure::showing(certificate).await;
        let why = silence(&trusting(server.url())).await;
        assert!(why.starts_with("its certificate is refused: ") && why.contains(said), "{why}");
    }
    let server = Secure::showing("localhost.pem").await;
    // Its name is not its address.
    let why = silence(&trusting(format!("https://127.0.0.1:{}/", server.port))).await;
    assert!(why.contains("not valid for name \"127.0.0.1\""), "{why}");
    // Any certificate but that of the authority.
    let probe = Http::get(server.url()).trusting(fixture("elsewhere.pem")).answering_within(LONG);
    assert!(silence(&probe).await.contains("its authority is not trusted"));
    assert_eq!(*server.shaken.lock().unwrap(), []);
}

/// Looks at a server in a child, which reads its environment: the certificates of this machine.
fn child_that_looks(url: &str, machine: &Path) -> std::process::Output {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "https::in_a_child", "--nocapture"])
        .env(LOOKS_AT, url)
        .env("SSL_CERT_FILE", machine)
        .env_remove("SSL_CERT_DIR")
        .output()
        .unwrap();
    assert!(child.status.success(), "{child:?}");
    child
}

#[tokio::test]
async fn in_a_child() {
    let Ok(url) = std::env::var(LOOKS_AT) else { return };
    let probe = Http::get(url).answering_within(LONG);
    println!("child: {:?}", probe.look(&chaos_core::clock::SystemClock::default()).await);
}

#[tokio::test]
async fn the_authorities_of_this_machine_are_trusted_and_without_any_it_is_a_doubt() {
    let server = Secure::showing("localhost.pem").await;
    for (machine, said) in [
        (fixture("authority.pem"), "child: Ok(Value(Number(200)))"),
        (fixture("nowhere.pem"), "this machine has no certificates of authorities"),
    ] {
        let url = server.url();
        let child = tokio::task::spawn_blocking(move || child_that_looks(&url, &machine)).await.unwrap();
        let told = String::from_utf8_lossy(&child.stdout);
        assert!(told.contains(said), "{told}");
    }
}

#[tokio::test]
async fn tls_and_plain_http_are_told_apart() {
    let secure = Secure::showing("localhost.pem").await;
    let plain = Http::get(format!("http://localhost:{}/", secure.port)).answering_within(LONG);
    let why = silence(&plain).await;
    assert!(why.starts_with("no HTTP answer: "), "{why}");
    for (answer, said) in [
        (ANSWER, "it does not speak TLS"),
        ("", "the TLS handshake broke off"),
        // An alert: no version in common.
        ("\x15\x03\x03\x00\x02\x02\x46", "ProtocolVersion"),
    ] {
        let server = Server::answering(answer, Then::Close).await;
        let why = silence(&trusting(format!("https://{}/", server.address))).await;
        assert!(why.contains(said), "{why}");
    }
}

#[tokio::test]
async fn a_handshake_that_hangs_is_silence_and_one_without_end_is_cut() {
    for begun in ["", "\x16\x03\x03\x40\x00\x02"] {
        let server = Server::answering(begun, Then::Hang).await;
        let probe = trusting(format!("https://{}/", server.address));
        assert_eq!(silence(&probe.answering_within(Duration::from_millis(20))).await, "silent for 20ms");
    }
    // Records of one handshake message that claims to be as long as its length can say.
    let record = [&b"\x16\x03\x03\x40\x00"[..], b"\x02\xff\xff\xff", &[0; 16_380]].concat();
    let server = Server::answering(record, Then::Repeat).await;
    let why = silence(&trusting(format!("https://{}/", server.address))).await;
    assert!(!why.contains("silent"), "{why}");
}

#[tokio::test]
async fn a_body_without_a_length_ends_only_if_the_server_says_so() {
    let answer = "HTTP/1.1 200 OK\r\n\r\nwell";
    let server = Secure::answering("localhost.pem", answer, Ends::Properly).await;
    assert_eq!(look(&trusting(server.url()).text()).await.unwrap(), "well".into());
    let server = Secure::answering("localhost.pem", answer, Ends::WithoutTelling).await;
    let why = silence(&trusting(server.url()).text()).await;
    assert!(why.starts_with("the body broke off: "), "{why}");
}

#[tokio::test]
async fn a_file_without_authorities_is_refused_and_a_doubt() {
    for file in ["nowhere.pem", "key.pem", "README.md", ""] {
        let probe = Http::get("https://localhost:1/").trusting(fixture(file));
        let error = probe.check().expect_err(file);
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error:?}");
        assert_eq!(error.field(), Some("trusting"));
        assert!(error.to_string().contains(file), "{error}");
    }
    let server = Secure::showing("localhost.pem").await;
    let probe = Http::get(server.url()).trusting(fixture("nowhere.pem")).answering_within(LONG);
    let error = probe.look(&chaos_core::clock::SystemClock::default()).await.unwrap_err();
    assert_eq!(error.field(), Some("trusting"), "{error:?}");
}

#[test]
fn what_no_certificate_can_be_for_is_refused() {
    let error = Http::get("https://a..b/").check().unwrap_err().to_string();
    assert!(error.contains("\"https://a..b/\"; expected a URL whose host is"), "{error}");
    let plain = Http::get("http://localhost/").trusting(fixture("authority.pem"));
    let error = plain.check().unwrap_err().to_string();
    assert!(error.contains("invalid trusting") && error.contains("begins with https://"), "{error}");
}

#[tokio::test]
async fn prometheus_is_asked_over_tls_and_its_certificate_is_a_doubt() {
    let result = r#"{"status":"success","data":{"resultType":"scalar","result":[1.5,"0.25"]}}"#;
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{result}", result.len());
    for certificate in ["localhost.pem", "expired.pem"] {
        let server = Secure::answering(certificate, &*answer, Ends::Properly).await;
        let probe = Prometheus::query(server.url(), "up").trusting(fixture("authority.pem"));
        match (certificate, look(&probe.answering_within(LONG)).await) {
            ("localhost.pem", reading) => assert_eq!(reading.unwrap(), 0.25.into()),
            (_, error) => {
                let error = error.unwrap_err().to_string();
                assert!(error.contains("did not answer") && error.contains("expired"), "{error}");
            }
        }
    }
}
