use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use azure_core::http::{HttpClient, Method, Request as HttpRequest, Url};
use chaos_core::{Error, ErrorKind, Result, clock::Clock};

use super::{Answer, Request, Tokens, action::is_listing};
use crate::client::{
    error::{broke_off, not_reached, refused},
    within::within,
};

/// The maximum number of attempts of a request.
const MOST_ATTEMPTS: u32 = 5;
/// The time-out of one attempt.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(60);
/// The wait after the first attempt; doubled after each.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// If ARM asks to wait longer than this, the caller gets an error and decides. Later callers do not wait longer than
/// this either, because a recovery must give its order before its budget ends.
const LONGEST_WAIT: Duration = Duration::from_secs(15);

const USER_AGENT: &str = concat!("chaos-azure/", env!("CARGO_PKG_VERSION"));

/// Sends requests to one endpoint of ARM, and to no other.
#[derive(Debug)]
pub(crate) struct Arm {
    http: Arc<dyn HttpClient>,
    tokens: Tokens,
    endpoint: Url,
    clock: Arc<dyn Clock>,
    most_attempts: u32,
    /// The monotonic time until which no request is sent, because ARM has asked for that.
    not_before: Mutex<Duration>,
}

/// The result of one attempt.
enum Attempt {
    Answered(Answer),
    /// The request never left this machine.
    NotSent(Error),
    /// It is unknown whether the request arrived.
    Unknown(Error),
}

impl Arm {
    pub(crate) fn new(
        http: Arc<dyn HttpClient>,
        tokens: Tokens,
        endpoint: Url,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { http, tokens, endpoint, clock, most_attempts: MOST_ATTEMPTS, not_before: Mutex::default() }
    }

    /// Retries nothing, and waits for nothing: while ARM has asked to wait, requests are refused here.
    pub(crate) fn asking_once(self) -> Self {
        Self { most_attempts: 1, ..self }
    }

    pub(crate) fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// The address of `path`, in this version of its API.
    pub(crate) fn at(&self, path: &str, api_version: &str) -> Url {
        let mut url = self.endpoint.clone();
        url.set_path(path);
        url.query_pairs_mut().append_pair("api-version", api_version);
        url
    }

    /// The address that ARM itself has given in an answer.
    ///
    /// # Errors
    /// `Unavailable` if it is not a URL, or if it is on another host, which would get the token.
    pub(crate) fn given(&self, address: &str) -> Result<Url> {
        let url = self.endpoint.join(address).map_err(|error| {
            Error::new(ErrorKind::Unavailable, "an address in an answer of Azure is not a URL")
                .caused_by(error)
        })?;
        self.is_own(&url)?;
        Ok(url)
    }

    pub(crate) async fn get(&self, url: Url) -> Result<Answer> {
        self.send(&Request::new(Method::Get, url)).await
    }

    /// Asks for the status of an order: the answer may be empty.
    pub(crate) async fn poll(&self, url: Url) -> Result<Answer> {
        self.send(&Request::poll(url)).await
    }

    /// Sends a request until it is answered, refused, or the attempts are used up.
    ///
    /// A read-only request is retried after every temporary error. A request that changes something is retried only if
    /// it certainly was not carried out: ARM itself has said so, with 429, or was never reached.
    ///
    /// # Errors
    /// In the kinds of this library, with the action that a role must allow.
    pub(crate) async fn send(&self, request: &Request) -> Result<Answer> {
        self.is_own(&request.url)?;
        let action = request.action();
        let mut wait = FIRST_WAIT;
        let mut number = 1;
        let mut had_another_token = false;
        loop {
            self.wait_as_asked().await.map_err(|error| error.with("action", &action))?;
            let token = self.tokens.authorization().await.map_err(|error| error.with("action", &action))?;
            let (error, asked, may_repeat) = match self.attempt(request, &token).await {
                Attempt::Answered(answer) if answer.is_success() => match is_whole(request, &answer) {
                    Ok(()) => return Ok(answer),
                    Err(error) => (error.with("action", &action), None, true),
                },
                Attempt::Answered(answer) if answer.status == 401 && !had_another_token => {
                    // A request with a refused token is not carried out. The token may have been revoked early.
                    had_another_token = true;
                    self.tokens.forget(&token).await;
                    continue;
                }
                Attempt::Answered(answer) => {
                    let passes = matches!(answer.status, 408 | 500 | 502 | 503 | 504);
                    let may_repeat = answer.status == 429 || (passes && request.is_read());
                    let asked = answer.retry_after();
                    if let (Some(asked), 429 | 503) = (asked, answer.status) {
                        self.stay_away(asked);
                    }
                    (refused(&action, &answer), asked, may_repeat)
                }
                Attempt::NotSent(error) => (error.with("action", &action), None, true),
                Attempt::Unknown(error) => (error.with("action", &action), None, request.is_read()),
            };
            let error = match asked {
                Some(asked) => error.retry_after(asked),
                None => error,
            };
            if !may_repeat || number >= self.most_attempts {
                return Err(error);
            }
            let pause = asked.unwrap_or_default().max(wait);
            if pause > LONGEST_WAIT {
                return Err(error.with("retry_after", format_args!("{pause:?}")));
            }
            self.clock.sleep(pause).await;
            wait *= 2;
            number += 1;
        }
    }

    async fn attempt(&self, request: &Request, token: &str) -> Attempt {
        let mut sent = HttpRequest::new(request.url.clone(), request.method);
        sent.insert_header("authorization", token.to_owned());
        sent.insert_header("accept", "application/json");
        sent.insert_header("user-agent", USER_AGENT);
        if let Some(version) = &request.if_match {
            sent.insert_header("if-match", version.clone());
        }
        if let Some(body) = &request.body {
            sent.insert_header("content-type", "application/json");
            sent.set_body(body.clone());
        }
        let answering = async {
            let answer = self.http.execute_request(&sent).await?;
            let (status, headers, body) = answer.deconstruct();
            let headers = headers
                .iter()
                .map(|(name, value)| (name.as_str().to_ascii_lowercase(), value.as_str().to_owned()))
                .collect();
            azure_core::Result::Ok(Answer { status: status.into(), headers, body: body.collect().await? })
        };
        let late = "Azure Resource Manager did not answer in time";
        match within(self.clock.as_ref(), ATTEMPT_LIMIT, late, answering).await {
            Ok(Ok(answer)) => Attempt::Answered(answer),
            Ok(Err(error)) if matches!(error.kind(), azure_core::error::ErrorKind::Connection) => {
                Attempt::NotSent(not_reached(error))
            }
            Ok(Err(error)) => Attempt::Unknown(broke_off(error)),
            Err(error) => Attempt::Unknown(error),
        }
    }

    /// Keeps the wait that ARM has asked for, for the next caller.
    fn stay_away(&self, asked: Duration) {
        let until = self.clock.monotonic().saturating_add(asked.min(LONGEST_WAIT));
        let mut not_before = self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        *not_before = until.max(*not_before);
    }

    async fn wait_as_asked(&self) -> Result<()> {
        let until = *self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        let left = until.saturating_sub(self.clock.monotonic());
        if left.is_zero() {
            return Ok(());
        }
        if self.most_attempts == 1 {
            let what = "Azure has asked to wait before the next call, so it was not sent";
            return Err(Error::new(ErrorKind::Throttled, what).retry_after(left));
        }
        self.clock.sleep(left).await;
        Ok(())
    }

    fn is_own(&self, url: &Url) -> Result<()> {
        if url.origin() == self.endpoint.origin() {
            return Ok(());
        }
        let what = "an address in an answer of Azure is on another host, so the token was not sent there";
        Err(Error::new(ErrorKind::Unavailable, what)
            .retryable(false)
            .with("host", url.host_str().unwrap_or_default())
            .with("expected", self.endpoint.host_str().unwrap_or_default()))
    }
}

/// Whether the expected document is complete.
fn is_whole(request: &Request, answer: &Answer) -> Result<()> {
    if !request.is_read() || request.is_poll {
        return Ok(());
    }
    answer.is_whole(!request.is_query && is_listing(request.url.path()))
}
