use std::sync::Arc;

use chaos_core::clock::Clock;
use serde_json::Value;
use url::Host;

use super::{
    answer::Answer,
    connection::{Patient, Stream, connect},
    exchange::{Failed, exchange},
    limits::Limits,
    message::Message,
    tls::Trust,
};
use crate::{
    experiment::HttpProvider,
    runner::trouble::{Trouble, TroubleKind},
    substitution::Names,
};

/// As many redirects as Python's requests follows.
const MOST_REDIRECTS: usize = 30;

/// Sends requests.
#[derive(Debug, Default)]
pub(in crate::runner) struct Requests {
    trust: Trust,
}

impl Requests {
    /// Sends a request and follows redirects.
    pub(in crate::runner) async fn run(
        &self,
        provider: &HttpProvider,
        names: &Names,
        clock: &Arc<dyn Clock>,
    ) -> Result<Value, Trouble> {
        let trouble = |kind, why: &str| {
            let what = format!("{} {}: {why}", provider.method, shown(&provider.url));
            Trouble::new(kind, what, names)
        };
        let (mut message, limits) =
            Message::of(provider, names).map_err(|why| trouble(TroubleKind::Refused, why))?;
        for _ in 0..=MOST_REDIRECTS {
            let answered = self.send(&message, limits, provider, clock).await;
            let answer = answered.map_err(|failed| trouble(failed.kind, &failed.why))?;
            let location = answer.headers.get(hyper::header::LOCATION);
            match message.redirected(answer.status, location) {
                Ok(Some(next)) => message = next,
                Ok(None) => return Ok(answer.into_output()),
                Err(why) => return Err(trouble(TroubleKind::NoAnswer, why)),
            }
        }
        Err(trouble(TroubleKind::NoAnswer, "it was redirected more than 30 times"))
    }

    /// Sends it once, by the first connection that stands.
    async fn send(
        &self,
        message: &Message,
        limits: Limits,
        provider: &HttpProvider,
        clock: &Arc<dyn Clock>,
    ) -> Result<Answer, Failed> {
        let mut left = provider.max_retries;
        let stream = loop {
            let connecting = self.connect(message, limits, provider.verify_tls, clock);
            let connected = match limits.connect {
                None => connecting.await,
                Some(limit) => tokio::select! {
                    biased;
                    connected = connecting => connected,
                    () = clock.sleep(limit) => Err(Failed {
                        kind: TroubleKind::TimedOut,
                        why: "no connection stood in time".to_owned(),
                    }),
                },
            };
            match connected {
                Ok(stream) => break stream,
                Err(failed) if left == 0 || failed.kind == TroubleKind::Refused => return Err(failed),
                Err(_) => left -= 1,
            }
        };
        exchange(stream, message).await
    }

    async fn connect(
        &self,
        message: &Message,
        limits: Limits,
        is_verified: bool,
        clock: &Arc<dyn Clock>,
    ) -> Result<Box<dyn Stream>, Failed> {
        let host = match message.url.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            host => host.map(|host| host.to_string()).unwrap_or_default(),
        };
        let tls =
            if message.url.scheme() == "https" { Some(self.trust.with(&host, is_verified)?) } else { None };
        let port = message.url.port_or_known_default().unwrap_or(80);
        let is_sent_at_once = tls.is_none() && message.body.is_empty();
        let stream = connect(&host, port, is_sent_at_once).await.map_err(|error| Failed {
            kind: TroubleKind::Unreachable,
            why: format!("there is no connection: {error}"),
        })?;
        let stream = Patient::new(stream, limits.read, Arc::clone(clock));
        match tls {
            Some(tls) => tls.over(stream).await,
            None => Ok(Box::new(stream)),
        }
    }
}

/// A URL of a document without what stands before an `@`.
fn shown(url: &str) -> String {
    let scheme = ["http://", "https://"].into_iter().find(|scheme| url.starts_with(scheme)).unwrap_or("");
    url.rfind('@').map_or_else(|| url.to_owned(), |at| format!("{scheme}…{}", &url[at..]))
}
