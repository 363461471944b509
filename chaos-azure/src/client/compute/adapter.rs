//! The replacements of the HTTP client and the credential of the legacy SDK.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use azure_core::{Bytes, http::Method, time::OffsetDateTime};
use azure_core_legacy::{
    Body, HttpClient, RetryOptions, TransportOptions,
    auth::{AccessToken, TokenCredential},
    error::{Error as LegacyError, ErrorKind as LegacyKind},
    headers::{HeaderName, HeaderValue, Headers},
};
use azure_mgmt_compute::package_2024_07_01::Client;
use chaos_core::{Error, ErrorKind, Result};
use futures_util::stream;

use crate::client::arm::{Answer, Arm, Request, unreadable};

pub(super) fn client(arm: &Arc<Arm>) -> Result<Client> {
    let client = Client::builder(Arc::new(NoToken))
        .endpoint(arm.endpoint().clone())
        .retry(RetryOptions::none())
        .transport(TransportOptions::new(Arc::new(Through(Arc::clone(arm)))))
        .build();
    client.map_err(told)
}

/// The original error.
pub(super) fn told(error: LegacyError) -> Error {
    error.into_downcast::<Error>().unwrap_or_else(unreadable)
}

pub(super) async fn answer(response: azure_core_legacy::Response) -> Result<Answer> {
    let (status, headers, body) = response.deconstruct();
    let headers = headers
        .iter()
        .map(|(name, value)| (name.as_str().to_ascii_lowercase(), value.as_str().to_owned()))
        .collect();
    Ok(Answer { status: u16::from(status), headers, body: body.collect().await.map_err(told)? })
}

/// The token is added when requests are sent.
#[derive(Debug)]
struct NoToken;

#[async_trait]
impl TokenCredential for NoToken {
    async fn get_token(&self, _: &[&str]) -> azure_core_legacy::Result<AccessToken> {
        Ok(AccessToken::new("none", OffsetDateTime::UNIX_EPOCH))
    }

    async fn clear_cache(&self) -> azure_core_legacy::Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct Through(Arc<Arm>);

#[async_trait]
impl HttpClient for Through {
    async fn execute_request(
        &self,
        request: &azure_core_legacy::Request,
    ) -> azure_core_legacy::Result<azure_core_legacy::Response> {
        let failed = |error: Error| LegacyError::new(LegacyKind::Other, error);
        let answer = self.0.send(&read(request).map_err(failed)?).await.map_err(failed)?;
        let headers: HashMap<_, _> = answer
            .headers
            .into_iter()
            .map(|(name, value)| (HeaderName::from(name), HeaderValue::from(value)))
            .collect();
        let status = azure_core_legacy::StatusCode::try_from(answer.status)
            .map_err(|_| LegacyError::message(LegacyKind::DataConversion, "an unknown HTTP status"))?;
        let body: Bytes = answer.body;
        let body = stream::iter([azure_core_legacy::Result::Ok(body)]);
        Ok(azure_core_legacy::Response::new(status, Headers::from(headers), Box::pin(body)))
    }
}

fn read(request: &azure_core_legacy::Request) -> Result<Request> {
    let foreign = |what: &'static str| Error::new(ErrorKind::Other, what);
    let method = match request.method() {
        azure_core_legacy::Method::Get => Method::Get,
        azure_core_legacy::Method::Post => Method::Post,
        azure_core_legacy::Method::Put => Method::Put,
        azure_core_legacy::Method::Patch => Method::Patch,
        azure_core_legacy::Method::Delete => Method::Delete,
        _ => return Err(foreign("a request of a method that ARM does not know")),
    };
    let read = Request::new(method, request.url().clone());
    match request.body() {
        Body::Bytes(bytes) if bytes.is_empty() => Ok(read),
        Body::Bytes(bytes) => Ok(read.body(bytes.clone())),
        Body::SeekableStream(_) => Err(foreign("a request whose body is a stream")),
    }
}
