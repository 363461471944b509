use std::time::Duration;

use chaos_core::{Error, ErrorKind};
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use reqwest::{Response, StatusCode, header::RETRY_AFTER};

use crate::secret::Secrets;

/// How much of an answer is read, in bytes.
const LONGEST: usize = 1_024;

/// How much of an answer is told, in characters.
const TOLD: usize = 200;

/// The error of an answer, if it is one. An answer that may hold a secret is not told.
pub(super) async fn error_of(mut response: Response, now: Timestamp, secrets: &Secrets) -> Option<Error> {
    let status = response.status();
    if status.is_success() {
        return None;
    }
    let (kind, what) = match status {
        StatusCode::TOO_MANY_REQUESTS => (ErrorKind::Throttled, "it asks for fewer calls"),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY => {
            (ErrorKind::Unavailable, "it asks to try again")
        }
        status if status.is_server_error() => (ErrorKind::Unavailable, "it fails itself"),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            (ErrorKind::Denied, "it denies access: check the URL, and the secret if there is one")
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => {
            (ErrorKind::NotFound, "there is none at this URL any more: make a new one")
        }
        status if status.is_redirection() => {
            (ErrorKind::Refused, "it redirects, which is not followed: name the URL that it redirects to")
        }
        _ => (ErrorKind::Refused, "it does not take this message"),
    };
    let wait = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| retry_after(value, now));
    let mut read = Vec::new();
    while read.len() < LONGEST {
        // What follows a status is of no importance.
        let Ok(Some(chunk)) = response.chunk().await else { break };
        read.extend_from_slice(&chunk);
    }
    let answer: String = String::from_utf8_lossy(&read).trim().chars().take(TOLD).collect();
    let error = Error::new(kind, format!("the webhook refused a message, because {what}"))
        .with("status", status.as_u16())
        .with("answer", secrets.withheld(&answer));
    Some(match wait {
        Some(wait) => error.retry_after(wait),
        None => error,
    })
}

/// Seconds, or a date.
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
        for (value, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Mon, 02 Mar 2026 09:01:30 GMT", Some(90)),
            ("Mon, 02 Mar 2026 08:00:00 GMT", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("-1", None),
            ("1e3", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(value, now).map(|wait| wait.as_secs()), expected, "{value}");
        }
    }
}
