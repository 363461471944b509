//! Maps errors of the API to this library's kinds of error.

use std::{error::Error as StdError, io, time::Duration};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::{
    config::http::HttpResponse,
    error::{ConnectorError, ProvideErrorMetadata, SdkError},
};
use chaos_core::{Error, ErrorKind, text::escaped};

use rustls::CertificateError;

use crate::{
    client::checkpoint::{NoAnswer, is_web_page},
    model::region_name::may_be_missing,
};

const NO_CREDENTIALS: &str = "the credential chain has no AWS credentials: set AWS_ACCESS_KEY_ID and \
    AWS_SECRET_ACCESS_KEY, name a profile, or log in";

/// The error of one call of the API.
///
/// `action` is the action that a policy must allow, such as `ec2:TerminateInstances`.
pub(crate) fn failed<E>(action: &'static str, region: &str, error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let named = |error: Error| error.with("action", action).with("region", region);
    match &error {
        SdkError::ServiceError(answer) => {
            let raw = answer.raw();
            let status = raw.status().as_u16();
            let (code, message) = (answer.err().code(), answer.err().message());
            let error = if raw.status().is_success() {
                named(Error::new(
                    ErrorKind::Unavailable,
                    "the answer is not an answer of the AWS API to this call",
                ))
            } else if code.is_none() && raw.body().bytes().is_some_and(is_web_page) {
                // The refusal did not come from AWS.
                let error = Error::new(ErrorKind::Unavailable, NoAnswer::WebPage.to_string());
                named(error).with("status", status)
            } else {
                // The service's own text, not the SDK's: one line that a person can act upon.
                refusal(action, region, code.unwrap_or_default(), message.unwrap_or_default(), status)
            };
            match raw.headers().get("retry-after").and_then(|wait| asked_wait(status, wait)) {
                Some(wait) => error.retry_after(wait),
                None => error,
            }
        }
        _ if let Some(lack) = cause::<NoAnswer>(&error) => {
            named(Error::new(ErrorKind::Unavailable, lack.to_string()))
        }
        SdkError::TimeoutError(_) => {
            named(Error::new(ErrorKind::Timeout, "the AWS API did not answer in time")).caused_by(error)
        }
        SdkError::ResponseError(_) => {
            let what = "the answer of the AWS API broke off or cannot be read";
            named(Error::new(ErrorKind::Unavailable, what)).caused_by(error)
        }
        _ if let Some(credentials) = cause::<CredentialsError>(&error) => {
            let (kind, what) = without_credentials(credentials);
            named(Error::new(kind, what)).caused_by(error)
        }
        SdkError::DispatchFailure(failure)
            if failure.is_other() && has_no_identity(failure.as_connector_error()) =>
        {
            named(Error::new(ErrorKind::Denied, NO_CREDENTIALS)).caused_by(error)
        }
        _ if let Some(rustls::Error::InvalidCertificate(lack)) = cause(&error) => {
            named(Error::new(ErrorKind::Unavailable, certificate_refused(lack))).caused_by(error)
        }
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            named(Error::new(ErrorKind::Timeout, "the connection to the AWS API timed out")).caused_by(error)
        }
        SdkError::DispatchFailure(failure) if !failure.is_user() => {
            let what = "the AWS API cannot be reached; check that the region is one of this account, and check the \
                network";
            named(Error::new(ErrorKind::Unavailable, what)).caused_by(error)
        }
        _ => named(Error::new(ErrorKind::InvalidInput, "the request could not be built")).caused_by(error),
    }
}

/// The time that a throttling or unavailable service asks to wait.
fn asked_wait(status: u16, wait: &str) -> Option<Duration> {
    let seconds = wait.trim().parse().ok().filter(|_| status == 429 || status == 503)?;
    Some(Duration::from_secs(seconds))
}

fn certificate_refused(why: &CertificateError) -> String {
    let why = match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired; check this machine's clock".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet; check this machine's clock".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it belongs to another host".to_owned()
        }
        CertificateError::UnknownIssuer => {
            "its certificate authority is not trusted; if a proxy intercepts TLS, set AWS_CA_BUNDLE to a file with \
             the proxy's certificate authority"
                .to_owned()
        }
        other => escaped(&other.to_string()).to_string(),
    };
    format!("the certificate of the AWS API, or of a proxy in front of it, is not accepted: {why}")
}

/// The service's error code, if it has answered with one.
pub(crate) fn code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

fn cause<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // An I/O error displays its inner error as its own text, and skips it as its source.
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// A configuration without any source of credentials. The SDK has no type for this.
fn has_no_identity(error: Option<&ConnectorError>) -> bool {
    let mut next: Option<&(dyn StdError + 'static)> = error.map(|error| error as _);
    while let Some(error) = next {
        if error.to_string().contains("no identity resolver") {
            return true;
        }
        next = error.source();
    }
    false
}

pub(crate) fn without_credentials(error: &CredentialsError) -> (ErrorKind, &'static str) {
    match error {
        CredentialsError::CredentialsNotLoaded(_) => (ErrorKind::Denied, NO_CREDENTIALS),
        CredentialsError::ProviderTimedOut(_) => {
            (ErrorKind::Timeout, "the credential chain did not provide AWS credentials in time")
        }
        CredentialsError::InvalidConfiguration(_) => {
            (ErrorKind::InvalidInput, "the configuration of the AWS credentials is invalid")
        }
        _ => (
            ErrorKind::Denied,
            "the AWS credentials could not be fetched: log in again, or check that the role may be assumed",
        ),
    }
}

fn refusal(action: &str, region: &str, code: &str, message: &str, status: u16) -> Error {
    let error = match kind(code, status) {
        ErrorKind::Denied if is_nobody_known(code) && may_be_missing(region) => Error::new(
            ErrorKind::Denied,
            "the region does not know this account: enable the region, name another one, or check that the \
             credentials are valid there (tokens of the global STS endpoint are not valid in every region)",
        ),
        ErrorKind::Denied if code == "OptInRequired" => Error::new(
            ErrorKind::Denied,
            "the account has not signed up for this service in this region: enable the region, or name another one",
        ),
        ErrorKind::Denied if is_stale(code) => Error::new(
            ErrorKind::Denied,
            "the AWS credentials are expired or not valid: refresh them, and check this machine's clock",
        ),
        ErrorKind::Denied => {
            let (missing, resource) = denial(message);
            let error = Error::new(ErrorKind::Denied, "access denied: a policy must allow this action")
                .with("missing", missing.unwrap_or(action));
            match resource {
                Some(resource) => error.with("resource", resource),
                None => error,
            }
        }
        ErrorKind::Refused => {
            let what = "the instance is protected, for instance by termination or stop protection";
            Error::new(ErrorKind::Refused, what)
        }
        ErrorKind::NotFound => {
            Error::new(ErrorKind::NotFound, "it does not exist in this account and region")
        }
        ErrorKind::Throttled => Error::new(ErrorKind::Throttled, "the AWS API asks for fewer calls"),
        ErrorKind::Conflict => {
            // A machine in a transition can do it in a moment.
            Error::new(ErrorKind::Conflict, "the state of the resource does not allow this now")
                .retryable(true)
        }
        kind => Error::new(kind, "the AWS API refused the call"),
    };
    let code = if code.is_empty() { format!("HTTP {status}") } else { code.to_owned() };
    let error = error.with("action", action).with("code", code).with("region", region);
    if message.is_empty() { error } else { error.caused_by(escaped(message).to_string()) }
}

fn kind(code: &str, status: u16) -> ErrorKind {
    match code {
        "RequestLimitExceeded"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "TooManyRequestsException"
        | "EC2ThrottledException"
        | "PriorRequestNotComplete"
        | "RateExceeded"
        | "SlowDown" => ErrorKind::Throttled,
        "UnauthorizedOperation"
        | "AccessDenied"
        | "AccessDeniedException"
        | "AuthorizationError"
        | "Unauthorized"
        | "OptInRequired"
        | "Blocked" => ErrorKind::Denied,
        _ if is_stale(code) => ErrorKind::Denied,
        "OperationNotPermitted" => ErrorKind::Refused,
        "NotFound"
        | "NotFoundException"
        | "InvalidInstanceID.NotFound"
        | "InvalidGroup.NotFound"
        | "InvalidNetworkInterfaceID.NotFound"
        | "InvalidSpotInstanceRequestID.NotFound"
        | "InvalidVpcID.NotFound"
        | "InvocationDoesNotExist"
        | "ResourceNotFoundException" => ErrorKind::NotFound,
        "IncorrectInstanceState"
        | "IncorrectState"
        | "DependencyViolation"
        | "ResourceContention"
        | "InvalidGroup.InUse"
        | "InvalidGroup.Duplicate"
        | "ConflictException"
        | "ServiceQuotaExceededException" => ErrorKind::Conflict,
        "UnsupportedOperation" | "UnsupportedInstanceAttribute" | "UnsupportedPlatformType" => {
            ErrorKind::Unsupported
        }
        // From SSM: an instance that it does not know, or to which it cannot send anything yet.
        "InvalidInstanceId" => ErrorKind::Unavailable,
        "InsufficientInstanceCapacity"
        | "InsufficientCapacity"
        | "Unavailable"
        | "ServiceUnavailable"
        | "InternalError"
        | "InternalFailure"
        | "InternalServerError" => ErrorKind::Unavailable,
        "ValidationError" | "ValidationException" | "MissingParameter" => ErrorKind::InvalidInput,
        _ if code.starts_with("Invalid") && status < 500 => ErrorKind::InvalidInput,
        _ if status == 429 => ErrorKind::Throttled,
        _ if status == 401 || status == 403 => ErrorKind::Denied,
        _ if status >= 500 => ErrorKind::Unavailable,
        _ => ErrorKind::Other,
    }
}

/// Whether these codes mean unknown credentials: wrong ones or, in a region that the account has not enabled, right
/// ones.
fn is_nobody_known(code: &str) -> bool {
    matches!(code, "AuthFailure" | "InvalidClientTokenId" | "UnrecognizedClientException")
}

/// Whether the credentials themselves are refused, not their permissions.
fn is_stale(code: &str) -> bool {
    matches!(
        code,
        "ExpiredToken"
            | "ExpiredTokenException"
            | "RequestExpired"
            | "SignatureDoesNotMatch"
            | "InvalidSignatureException"
            | "IncompleteSignature"
            | "MissingAuthenticationToken"
            | "NotAuthorized"
    ) || is_nobody_known(code)
}

/// The action and the resource in a refusal for lack of permission.
fn denial(message: &str) -> (Option<&str>, Option<&str>) {
    let after = |mark: &str| {
        let (_, rest) = message.split_once(mark)?;
        rest.split_whitespace().next().map(|word| word.trim_end_matches(['.', ',', ';']))
    };
    (after("not authorized to perform: "), after("on resource: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_denied_names_what_is_missing_and_where() {
        let message = "You are not authorized to perform this operation. User: arn:aws:iam::1:user/m is not authorized \
                       to perform: ec2:TerminateInstances on resource: arn:aws:ec2:eu-west-1:1:instance/i-0abc because \
                       no identity-based policy allows it. Encoded authorization failure message: AAAA";
        let error = refusal("ec2:TerminateInstances", "eu-west-1", "UnauthorizedOperation", message, 403);
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert!(!error.is_retryable());
        let context: Vec<_> = error.context().collect();
        assert!(context.contains(&("missing", "ec2:TerminateInstances")), "{error}");
        assert!(context.contains(&("resource", "arn:aws:ec2:eu-west-1:1:instance/i-0abc")), "{error}");
        // If the message names nothing, the action of the call is named.
        let error = refusal(
            "ec2:StopInstances",
            "eu-west-1",
            "UnauthorizedOperation",
            "You are not authorized.",
            403,
        );
        assert!(error.to_string().contains("missing=\"ec2:StopInstances\""), "{error}");
    }

    #[test]
    fn every_class_of_refusal_has_its_kind() {
        for (code, status, expected, retryable) in [
            ("RequestLimitExceeded", 503, ErrorKind::Throttled, true),
            ("Throttling", 400, ErrorKind::Throttled, true),
            ("", 429, ErrorKind::Throttled, true),
            ("InternalError", 500, ErrorKind::Unavailable, true),
            ("", 502, ErrorKind::Unavailable, true),
            ("InsufficientInstanceCapacity", 500, ErrorKind::Unavailable, true),
            ("ExpiredToken", 403, ErrorKind::Denied, false),
            ("AuthFailure", 401, ErrorKind::Denied, false),
            ("InvalidInstanceID.NotFound", 400, ErrorKind::NotFound, false),
            ("InvalidInstanceID.Malformed", 400, ErrorKind::InvalidInput, false),
            ("IncorrectInstanceState", 400, ErrorKind::Conflict, true),
            ("UnsupportedOperation", 400, ErrorKind::Unsupported, false),
            ("OperationNotPermitted", 400, ErrorKind::Refused, false),
            ("SomethingNew", 400, ErrorKind::Other, false),
        ] {
            let error = refusal("ec2:StopInstances", "eu-west-1", code, "", status);
            assert_eq!((error.kind(), error.is_retryable()), (expected, retryable), "{code} {status}");
        }
    }

    #[test]
    fn only_who_is_asked_too_much_is_waited_for() {
        assert_eq!(asked_wait(429, " 7 "), Some(Duration::from_secs(7)));
        assert_eq!(asked_wait(503, "0"), Some(Duration::ZERO));
        for (status, wait) in [(429, "soon"), (429, "-1"), (429, "1e99"), (403, "7"), (400, "7")] {
            assert_eq!(asked_wait(status, wait), None, "{status} {wait}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_certificate_is_named() {
        for (why, expected) in [
            (CertificateError::Expired, "expired"),
            (CertificateError::NotValidYet, "not valid yet"),
            (CertificateError::NotValidForName, "another host"),
            (CertificateError::UnknownIssuer, "AWS_CA_BUNDLE"),
            (CertificateError::BadSignature, "BadSignature"),
        ] {
            let told = certificate_refused(&why);
            assert!(told.contains(expected), "{told}");
        }
    }

    #[test]
    fn stale_credentials_say_what_to_do() {
        let error = refusal(
            "ec2:DescribeInstances",
            "eu-west-1",
            "ExpiredToken",
            "The security token has expired",
            403,
        );
        assert!(error.to_string().contains("refresh"), "{error}");
        assert!(error.chain().ends_with("The security token has expired"), "{}", error.chain());
    }

    #[test]
    fn a_region_that_the_account_has_not_enabled_is_named_and_no_credentials_are_blamed() {
        for code in ["AuthFailure", "InvalidClientTokenId", "UnrecognizedClientException"] {
            let message = "AWS was not able to validate the provided access credentials";
            let there = refusal("ec2:DescribeInstances", "ap-east-1", code, message, 401);
            assert_eq!(there.kind(), ErrorKind::Denied);
            assert!(
                there.to_string().starts_with("the region does not know this account: enable"),
                "{there}"
            );
            assert!(there.context().any(|named| named == ("region", "ap-east-1")), "{there}");
            let here = refusal("ec2:DescribeInstances", "eu-west-1", code, message, 401);
            assert!(here.to_string().contains("not valid"), "{here}");
        }
        let expired = refusal("ec2:DescribeInstances", "ap-east-1", "ExpiredToken", "", 403);
        assert!(
            expired.to_string().contains("expired"),
            "expired credentials are expired in every region: {expired}"
        );
        let never = refusal("ec2:DescribeInstances", "eu-west-1", "OptInRequired", "", 401);
        assert!(never.to_string().contains("has not signed up"), "{never}");
    }
}
