//! A checkpoint that reads every answer to its end before it is used.

use aws_config::SdkConfig;
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        connector_metadata::ConnectorMetadata,
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
            SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::{RuntimeComponents, RuntimeComponentsBuilder},
    },
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream, config_bag::ConfigBag};
use serde::de::IgnoredAny;
use xmlparser::{ElementEnd, Token, Tokenizer};

use crate::client::{cbor::is_whole_map, transport::Transport};

/// The reason why the answer of a successful call is not complete.
///
/// The SDK's readers accept any truncated answer as complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// It is empty.
    #[error("the answer of the AWS API is empty; is there a proxy or a login page in between?")]
    Empty,
    /// It is a web page.
    #[error(
        "the answer is a web page, not an answer of the AWS API; is there a proxy or a login page in between?"
    )]
    WebPage,
    /// It is truncated, or has a format that the API does not use.
    #[error("the answer of the AWS API is truncated, so all of it was ignored")]
    CutShort,
}

/// This configuration, with its HTTP client, or the one of this crate, behind a checkpoint.
pub(crate) fn checked(config: SdkConfig) -> SdkConfig {
    let client = config.http_client().unwrap_or_else(|| SharedHttpClient::new(Transport::default()));
    config.into_builder().http_client(Checkpoint(client)).build()
}

/// An HTTP client whose successful answers are complete.
#[derive(Debug)]
struct Checkpoint(SharedHttpClient);

#[derive(Debug)]
struct Checked(SharedHttpConnector);

impl HttpClient for Checkpoint {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Checked(self.0.http_connector(settings, components)))
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        HttpClient::validate_base_client_config(&self.0, components, config)
    }

    fn validate_final_config(
        &self,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        HttpClient::validate_final_config(&self.0, components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

impl HttpConnector for Checked {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let form = Form::of(&request);
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move { read_whole(answer.await?, form).await })
    }
}

/// Refusals pass unchanged: a refusal counts as a refusal, with any text.
async fn read_whole(mut answer: HttpResponse, form: Form) -> Result<HttpResponse, ConnectorError> {
    let body = std::mem::replace(answer.body_mut(), SdkBody::taken());
    let read = ByteStream::new(body).collect().await;
    let body = read.map_err(|error| ConnectorError::io(error.into()))?.into_bytes();
    if answer.status().is_success()
        && let Some(lack) = form.lack(&body)
    {
        // Reported as a broken connection, so that the SDK retries.
        return Err(ConnectorError::io(lack.into()));
    }
    *answer.body_mut() = SdkBody::from(body);
    Ok(answer)
}

/// The format of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Xml,
    Json,
    Cbor,
}

impl Form {
    /// Services whose calls are forms answer in XML, and those whose calls are in CBOR, in CBOR; all others, in JSON.
    fn of(request: &HttpRequest) -> Self {
        match request.headers().get("content-type").unwrap_or_default() {
            kind if kind.starts_with("application/x-www-form-urlencoded") => Self::Xml,
            "application/cbor" => Self::Cbor,
            _ => Self::Json,
        }
    }

    fn lack(self, body: &[u8]) -> Option<NoAnswer> {
        let text = body.trim_ascii();
        if text.is_empty() {
            return Some(NoAnswer::Empty);
        }
        if is_web_page(text) {
            return Some(NoAnswer::WebPage);
        }
        let is_whole = match self {
            Self::Xml => std::str::from_utf8(text).is_ok_and(is_whole_xml),
            Self::Json => text.starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(text).is_ok(),
            // Here, each byte counts.
            Self::Cbor => is_whole_map(body),
        };
        (!is_whole).then_some(NoAnswer::CutShort)
    }
}

/// Whether this begins like a web page.
pub(crate) fn is_web_page(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    ["<!doctype html", "<html"].iter().any(|start| {
        text.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start.as_bytes()))
    })
}

/// Whether every element is closed, the root last.
fn is_whole_xml(text: &str) -> bool {
    let mut open = Vec::new();
    let mut has_root = false;
    for token in Tokenizer::from(text) {
        match token {
            Ok(Token::ElementStart { prefix, local, .. }) => {
                has_root = true;
                open.push((prefix.as_str(), local.as_str()));
            }
            Ok(Token::ElementEnd { end: ElementEnd::Empty, .. }) => {
                open.pop();
            }
            Ok(Token::ElementEnd { end: ElementEnd::Close(prefix, local), .. })
                if open.pop() != Some((prefix.as_str(), local.as_str())) =>
            {
                return false;
            }
            Ok(_) => {}
            Err(_) => return false,
        }
    }
    has_root && open.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: &str = "<?xml version=\"1.0\"?>\n<R xmlns=\"http://x/\"><!-- a --><A><b>1 &lt; 2</b><c/></A>\
                           <t:T a='>'><![CDATA[</R>]]></t:T></R>";

    #[test]
    fn only_a_whole_answer_passes() {
        let padded = format!("\u{feff}{LISTING}\r\n");
        for (form, body) in [
            (Form::Xml, LISTING),
            (Form::Xml, padded.trim_start_matches('\u{feff}')),
            (Form::Xml, "<R/>"),
            (Form::Json, "{}"),
            (Form::Json, " {\"a\": [1, {\"b\": null}]}\n"),
        ] {
            assert_eq!(form.lack(body.as_bytes()), None, "{body}");
        }
        // A last byte that is a blank as a letter, and the number -1 here.
        assert_eq!(Form::Cbor.lack(b"\xa1\x61a\x20"), None);
        for (form, body, lack) in [
            (Form::Xml, "", NoAnswer::Empty),
            (Form::Json, " \r\n", NoAnswer::Empty),
            (Form::Xml, "<!DOCTYPE html><html></html>", NoAnswer::WebPage),
            (Form::Json, "\n<HTML><body>Log in", NoAnswer::WebPage),
            (Form::Cbor, "", NoAnswer::Empty),
            (Form::Cbor, "<html>", NoAnswer::WebPage),
            (Form::Cbor, "{}", NoAnswer::CutShort),
            (Form::Xml, "<?xml version=\"1.0\"?>", NoAnswer::CutShort),
            (Form::Xml, "<R></S>", NoAnswer::CutShort),
            (Form::Xml, "<R></R></R>", NoAnswer::CutShort),
            (Form::Xml, "Log in first", NoAnswer::CutShort),
            (Form::Json, "[]", NoAnswer::CutShort),
            (Form::Json, "{} {}", NoAnswer::CutShort),
        ] {
            assert_eq!(form.lack(body.as_bytes()), Some(lack), "{body}");
        }
    }

    #[test]
    fn what_is_cut_anywhere_does_not_pass() {
        for (form, whole) in [(Form::Xml, LISTING), (Form::Json, "{\"a\": [1, {\"b\": \"}\"}], \"c\": 12}")] {
            assert_eq!(form.lack(whole.as_bytes()), None);
            for end in 0..whole.len() {
                assert!(form.lack(&whole.as_bytes()[..end]).is_some(), "{}", &whole[..end]);
            }
        }
    }
}
