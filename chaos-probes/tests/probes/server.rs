use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
};

/// A raw socket that answers every connection with the same bytes.
pub(crate) struct Server {
    pub(crate) address: String,
    /// The requests, each up to the first pause.
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
    /// How many bytes of answer each connection took, told when it has ended.
    pub(crate) taken: UnboundedReceiver<usize>,
}

#[derive(Clone, Copy)]
pub(crate) enum Then {
    Close,
    Hang,
    Repeat,
}

impl Server {
    pub(crate) async fn answering(answer: impl Into<Vec<u8>>, then: Then) -> Self {
        Self::serving(Vec::new(), answer.into(), then).await
    }

    /// An answer that begins like this and then goes on without end.
    pub(crate) async fn beginning(first: impl Into<Vec<u8>>, more: impl Into<Vec<u8>>) -> Self {
        Self::serving(first.into(), more.into(), Then::Repeat).await
    }

    async fn serving(first: Vec<u8>, answer: Vec<u8>, then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        let (tell, taken) = unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (first, answer) = (first.clone(), answer.clone());
                let (kept, tell) = (Arc::clone(&kept), tell.clone());
                tokio::spawn(async move { tell.send(serve(stream, &first, &answer, then, &kept).await) });
            }
        });
        Self { address, requests, taken }
    }

    /// A complete answer.
    pub(crate) async fn saying(status: &str, body: &str) -> Self {
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        Self::answering(answer, Then::Close).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

/// Returns how many bytes the other side took.
async fn serve(
    mut stream: TcpStream,
    first: &[u8],
    answer: &[u8],
    then: Then,
    kept: &Mutex<Vec<String>>,
) -> usize {
    let (mut request, mut taken) = (vec![0; 64 * 1024], 0);
    let Ok(length) = stream.read(&mut request).await else { return taken };
    kept.lock().unwrap().push(String::from_utf8_lossy(&request[..length]).into_owned());
    let repeats = if matches!(then, Then::Repeat) { usize::MAX } else { 1 };
    for mut part in std::iter::once(first).chain(std::iter::repeat_n(answer, repeats)) {
        while !part.is_empty() {
            let Ok(length) = stream.write(part).await else { return taken };
            (part, taken) = (&part[length..], taken + length);
        }
    }
    if matches!(then, Then::Hang) {
        // Until the other side closes.
        let _ = stream.read(&mut request).await;
    }
    taken
}

/// An address where nothing listens.
pub(crate) async fn nobody() -> String {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string()
}
