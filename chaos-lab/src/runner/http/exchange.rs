use std::{error::Error as StdError, io, pin::pin};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request,
    body::Bytes,
    client::conn::http1,
    header::{self, HeaderValue},
};
use hyper_util::rt::TokioIo;

use super::{
    answer::Answer,
    connection::Stream,
    message::Message,
    recorded::{Head, Recorded},
};
use crate::runner::trouble::TroubleKind;

/// The most of a body that is kept, in bytes.
const MOST: usize = 1024 * 1024;

/// Why there is no answer, without any value of the request.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) kind: TroubleKind,
    pub(super) why: String,
}

/// Sends a request and reads the answer, or the beginning of one that is long.
pub(super) async fn exchange(stream: Box<dyn Stream>, message: &Message) -> Result<Answer, Failed> {
    let (stream, head) = Recorded::new(stream);
    let mut builder = http1::Builder::new();
    builder.title_case_headers(true);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let request = request(message)?;
    let answered = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        answer(response, head).await
    };
    let (mut connection, mut answered) = (pin!(connection), pin!(answered));
    tokio::select! {
        biased;
        answer = &mut answered => answer,
        // The connection may end together with the answer.
        _ = &mut connection => answered.await,
    }
}

fn request(message: &Message) -> Result<Request<Full<Bytes>>, Failed> {
    let refused = || Failed { kind: TroubleKind::Refused, why: "its URL cannot be sent".to_owned() };
    let mut request = Request::new(Full::new(message.body.clone()));
    *request.method_mut() = message.method.clone();
    let url = &message.url;
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    *request.uri_mut() = format!("{}{query}", url.path()).parse().map_err(|_| refused())?;
    request.headers_mut().clone_from(&message.headers);
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let host = format!("{}{port}", url.host_str().unwrap_or_default());
    let host = HeaderValue::try_from(host).map_err(|_| refused())?;
    request.headers_mut().entry(header::HOST).or_insert(host);
    Ok(request)
}

async fn answer(response: hyper::Response<hyper::body::Incoming>, head: Head) -> Result<Answer, Failed> {
    let (parts, mut incoming) = response.into_parts();
    let mut answer =
        Answer { status: parts.status, headers: parts.headers, head, body: Vec::new(), is_truncated: false };
    while let Some(frame) = incoming.frame().await {
        let data = frame.map_err(broken)?.into_data().unwrap_or_default();
        let kept = data.len().min(MOST - answer.body.len());
        answer.body.extend_from_slice(&data[..kept]);
        if kept < data.len() {
            // The rest is not read: it may never end.
            answer.is_truncated = true;
            break;
        }
    }
    Ok(answer)
}

fn broken(error: hyper::Error) -> Failed {
    let mut errors =
        std::iter::successors(Some(&error as &(dyn StdError + 'static)), |error| (*error).source());
    let io = errors.find_map(|error| error.downcast_ref::<io::Error>());
    match io {
        Some(io) if io.kind() == io::ErrorKind::TimedOut => {
            Failed { kind: TroubleKind::TimedOut, why: "its server was silent for too long".to_owned() }
        }
        Some(io) => {
            let why = format!("the connection broke off: {}", io.kind());
            Failed { kind: TroubleKind::Unreachable, why }
        }
        None if error.is_incomplete_message() => {
            Failed { kind: TroubleKind::Unreachable, why: "the server hung up".to_owned() }
        }
        // Its causes may show what the server sent.
        None if error.is_parse() => {
            Failed { kind: TroubleKind::NoAnswer, why: format!("the answer cannot be read: {error}") }
        }
        None => Failed { kind: TroubleKind::NoAnswer, why: format!("there was no HTTP answer: {error}") },
    }
}
