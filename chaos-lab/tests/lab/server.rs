use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// At the end of an answer: the connection stays open.
pub(crate) const HANG: &str = "HANG";

/// A server that answers its connections in turn, the last answer again and again.
pub(crate) struct Server {
    pub(crate) port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// An empty answer hangs up.
    pub(crate) async fn answering(answers: impl IntoIterator<Item = String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        let answers: Vec<String> = answers.into_iter().collect();
        tokio::spawn(async move {
            for at in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                let answer = answers[at.min(answers.len() - 1)].clone();
                let kept = Arc::clone(&kept);
                tokio::spawn(async move {
                    let request = read(&mut stream).await;
                    kept.lock().unwrap().push(request);
                    let said = answer.strip_suffix(HANG);
                    let _ = stream.write_all(said.unwrap_or(&answer).as_bytes()).await;
                    if said.is_some() {
                        // Until the other side hangs up.
                        let _ = stream.read(&mut [0]).await;
                    }
                });
            }
        });
        Self { port, requests }
    }

    pub(crate) async fn saying(status: &str, headers: &str, body: &str) -> Self {
        Self::answering([answer(status, headers, body)]).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// A request with its body.
async fn read(stream: &mut tokio::net::TcpStream) -> String {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
            });
            if body.len() >= length.unwrap_or(0) {
                return text.into_owned();
            }
        }
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await {
            Ok(read @ 1..) => request.extend_from_slice(&buffer[..read]),
            _ => return String::from_utf8_lossy(&request).into_owned(),
        }
    }
}
