use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A raw socket that answers every connection with the same bytes.
pub(crate) struct Server {
    pub(crate) address: String,
    /// The requests, each up to the first pause.
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone, Copy)]
pub(crate) enum Then {
    Close,
    Hang,
    Repeat,
}

impl Server {
    pub(crate) async fn answering(answer: impl Into<Vec<u8>>, then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (answer, kept) = (answer.into(), Arc::clone(&requests));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, kept) = (answer.clone(), Arc::clone(&kept));
                tokio::spawn(async move { serve(stream, &answer, then, &kept).await });
            }
        });
        Self { address, requests }
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

async fn serve(mut stream: TcpStream, answer: &[u8], then: Then, kept: &Mutex<Vec<String>>) {
    let mut request = vec![0; 64 * 1024];
    let Ok(length) = stream.read(&mut request).await else { return };
    kept.lock().unwrap().push(String::from_utf8_lossy(&request[..length]).into_owned());
    loop {
        if stream.write_all(answer).await.is_err() {
            return;
        }
        match then {
            Then::Close => return,
            // Until the other side closes.
            Then::Hang => return drop(stream.read(&mut request).await),
            Then::Repeat => {}
        }
    }
}

/// An address where nothing listens.
pub(crate) async fn nobody() -> String {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string()
}
