//! Maps errors of Azure to this library's kinds of error.

use std::error::Error as StdError;

use azure_core::error::ErrorKind as AzureKind;
use chaos_core::{Error, ErrorKind, Result, text::escaped};
use serde_json::Value;

use crate::client::arm::Answer;

/// The body of a refusal of ARM.
#[derive(Clone, Debug, Default)]
struct Said {
    code: String,
    message: String,
}

impl Said {
    /// ARM does not report an order to a deleted scale set instance as a missing resource, but with this text.
    fn is_about_an_instance_that_is_gone(&self) -> bool {
        self.code == "InvalidParameter"
            && self.message.contains("is not an active Virtual Machine Scale Set VM")
    }

    fn in_body(body: &[u8]) -> Self {
        let document: Value = serde_json::from_slice(body).unwrap_or_default();
        Self::of(document.get("error").unwrap_or(&document))
    }

    fn of(error: &Value) -> Self {
        let text = |value: &Value, key| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut said = Self { code: text(error, "code"), message: text(error, "message") };
        // Resource Graph tells the reason in the details only.
        let details = error.get("details").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if let (Some(first), "BadRequest") = (details.first(), said.code.as_str()) {
            let code = text(first, "code");
            if !code.is_empty() {
                said.code = code;
            }
            for detail in details {
                let (code, message, token) =
                    (text(detail, "code"), text(detail, "message"), text(detail, "token"));
                let told = [code.as_str(), message.as_str(), token.as_str()];
                let told: Vec<&str> = told.into_iter().filter(|part| !part.is_empty()).collect();
                said.message = format!("{}; {}", said.message, told.join(": "));
            }
        }
        said
    }
}

/// The error of one request.
///
/// `action` is the action that a role must allow, such as `Microsoft.Compute/virtualMachines/powerOff/action`.
pub(crate) fn refused(action: &str, answer: &Answer) -> Error {
    let said = Said::in_body(&answer.body);
    // Azure gives a reason. Without one, nothing counts as denied, and above all nothing counts as gone.
    let is_azure = !said.code.is_empty() || matches!(answer.status, 401 | 408 | 429 | 500..);
    if !is_azure || answer.is_page() {
        let what =
            "something other than Azure refused the call: is there a proxy or a login page in between?";
        let error = Error::new(ErrorKind::Unavailable, what);
        return detailed(error, action, &said, format_args!("HTTP {}", answer.status));
    }
    refusal(action, &said, answer.status)
}

/// The outcome of an order that ARM had accepted.
pub(crate) fn failed_later(action: &str, status: &str, error: Option<&Value>) -> Error {
    let said = error.map(Said::of).unwrap_or_default();
    // An order that fails later has the code of an immediate refusal, so it gets the status of one.
    let kind = match kind(&said.code, 409) {
        ErrorKind::Conflict if status.eq_ignore_ascii_case("Failed") => ErrorKind::Unavailable,
        kind => kind,
    };
    let passes = matches!(kind, ErrorKind::Conflict | ErrorKind::Unavailable | ErrorKind::Throttled);
    let error = Error::new(kind, "Azure accepted an order, but did not carry it out").retryable(passes);
    detailed(error, action, &said, status)
}

/// The code that ARM gave with a refusal.
pub(crate) fn code(error: &Error) -> Option<&str> {
    error.context().find(|(key, _)| *key == "code").map(|(_, code)| code)
}

/// A missing resource is not an error.
pub(crate) fn unless_gone<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The request was not delivered, so nothing was carried out.
pub(crate) fn not_reached(error: azure_core::Error) -> Error {
    let what = match certificate(&error) {
        true => CERTIFICATE,
        false => "Azure Resource Manager cannot be reached; check its endpoint and the network",
    };
    Error::new(ErrorKind::Unavailable, what).caused_by(error)
}

const CERTIFICATE: &str = "the certificate of Azure, or of a proxy in front of it, is not trusted: if a proxy \
    terminates TLS, this machine must trust the proxy's certificate authority";

/// Whether a certificate is the reason. The libraries below have no common type for it, but their texts all use that
/// word.
fn certificate(error: &azure_core::Error) -> bool {
    chain(error).any(|error| error.to_string().to_ascii_lowercase().contains("certificate"))
}

/// The connection broke, so it is unknown whether the request was carried out.
pub(crate) fn broke_off(error: azure_core::Error) -> Error {
    let what = match certificate(&error) {
        true => CERTIFICATE,
        false => "the connection to Azure Resource Manager broke off, or its answer cannot be read",
    };
    Error::new(ErrorKind::Unavailable, what).caused_by(error)
}

/// A credential gave no token.
pub(crate) fn without_credentials(advice: &'static str, error: azure_core::Error) -> Error {
    let is_unreachable = chain(&error).any(|error| {
        let kind = error.downcast_ref::<azure_core::Error>().map(azure_core::Error::kind);
        matches!(kind, Some(AzureKind::Io | AzureKind::Connection))
    });
    if is_unreachable {
        let what = match certificate(&error) {
            true => CERTIFICATE,
            false => "the issuer of the Azure credentials cannot be reached",
        };
        return Error::new(ErrorKind::Unavailable, what).caused_by(error);
    }
    // An issuer of tokens answers with a document, even if it refuses.
    let is_page = chain(&error).any(|error| error.is::<serde_json::Error>());
    if is_page {
        let what = "the issuer of the Azure credentials did not answer with a token: is there a proxy or a login page \
            in between?";
        return Error::new(ErrorKind::Unavailable, what).caused_by(error);
    }
    Error::new(ErrorKind::Denied, advice).caused_by(error)
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn refusal(action: &str, said: &Said, status: u16) -> Error {
    let code = said.code.as_str();
    let kind =
        if said.is_about_an_instance_that_is_gone() { ErrorKind::NotFound } else { kind(code, status) };
    let error = match kind {
        ErrorKind::Denied if is_of_another_tenant(code) => Error::new(
            ErrorKind::Denied,
            "the Azure credentials belong to a different tenant than the subscription: name the subscription's tenant",
        ),
        ErrorKind::Denied if status == 401 => Error::new(
            ErrorKind::Denied,
            "the Azure credentials are expired or not valid: refresh them, and check this machine's clock",
        ),
        ErrorKind::Denied if is_of_no_subscription(code) => Error::new(
            ErrorKind::Denied,
            "the subscription does not exist, or these credentials have no access to it: assign them a role in it",
        ),
        ErrorKind::Denied => {
            let (missing, scope) = denial(&said.message);
            let error = Error::new(ErrorKind::Denied, "access denied: a role must allow this action")
                .with("missing", missing.unwrap_or(action));
            match scope {
                Some(scope) => error.with("scope", scope),
                None => error,
            }
        }
        ErrorKind::Refused => {
            Error::new(ErrorKind::Refused, "a lock or a policy of the subscription forbids it")
        }
        ErrorKind::NotFound => Error::new(ErrorKind::NotFound, "it does not exist in this subscription"),
        ErrorKind::Throttled => Error::new(ErrorKind::Throttled, "Azure asks for fewer calls"),
        // A machine in a transition can do it in a moment.
        ErrorKind::Conflict => {
            Error::new(ErrorKind::Conflict, "the state of the resource does not allow this now")
                .retryable(true)
        }
        kind => Error::new(kind, "Azure refused the call"),
    };
    detailed(error, action, said, format_args!("HTTP {status}"))
}

/// The service's own text: one line that a person can act upon.
fn detailed(error: Error, action: &str, said: &Said, status: impl std::fmt::Display) -> Error {
    let error = error.with("action", action);
    let error = match said.code.as_str() {
        "" => error.with("code", status),
        code => error.with("code", code),
    };
    if said.message.is_empty() { error } else { error.caused_by(escaped(&said.message).to_string()) }
}

fn kind(code: &str, status: u16) -> ErrorKind {
    match code {
        // Each provider has codes of its own for it.
        _ if status == 429 => ErrorKind::Throttled,
        "TooManyRequests" | "SubscriptionRequestsThrottled" | "ResourceRequestsThrottled" => {
            ErrorKind::Throttled
        }
        "AuthorizationFailed"
        | "LinkedAuthorizationFailed"
        | "AuthenticationFailed"
        | "DisallowedOperation" => ErrorKind::Denied,
        _ if is_of_another_tenant(code) || is_of_no_subscription(code) => ErrorKind::Denied,
        "ScopeLocked"
        | "RequestDisallowedByPolicy"
        | "RequestDisallowedByAzure"
        | "ReadOnlyDisabledSubscription"
        | "VMScaleSetInstanceProtected" => ErrorKind::Refused,
        "ResourceNotFound" | "ResourceGroupNotFound" | "ParentResourceNotFound" | "NotFound" => {
            ErrorKind::NotFound
        }
        "AllocationFailed"
        | "ZonalAllocationFailed"
        | "OverconstrainedAllocationRequest"
        | "OverconstrainedZonalAllocationRequest"
        | "SkuNotAvailable"
        | "RetryableError"
        | "ServerBusy"
        | "InternalServerError"
        | "InternalExecutionError"
        | "NetworkingInternalOperationError"
        | "VMAgentStatusCommunicationError"
        | "VMExtensionProvisioningTimeout" => ErrorKind::Unavailable,
        "OperationNotAllowed"
        | "OperationPreempted"
        | "AttachDiskWhileBeingDetached"
        | "AnotherOperationInProgress"
        | "PreconditionFailed"
        | "SecurityRuleConflict"
        | "InUseNetworkSecurityGroupCannotBeDeleted"
        | "Conflict" => ErrorKind::Conflict,
        "InvalidSubscriptionId" => ErrorKind::InvalidInput,
        "MissingSubscriptionRegistration" | "NotSupported" | "FeatureNotSupported" => ErrorKind::Unsupported,
        _ => match status {
            400 => ErrorKind::InvalidInput,
            401 | 403 => ErrorKind::Denied,
            // The same answer from another source, such as a gateway without a route to ARM, proves nothing.
            404 | 410 => ErrorKind::Unavailable,
            408 => ErrorKind::Timeout,
            409 | 412 => ErrorKind::Conflict,
            500.. => ErrorKind::Unavailable,
            _ => ErrorKind::Other,
        },
    }
}

fn is_of_another_tenant(code: &str) -> bool {
    code == "InvalidAuthenticationTokenTenant"
}

/// Resource Graph has a code of its own for it.
fn is_of_no_subscription(code: &str) -> bool {
    matches!(code, "SubscriptionNotFound" | "NoValidSubscriptionsInQueryRequest")
}

/// The action and the scope that a refusal for lack of permission names. If the refusal concerns another resource,
/// which the request only names, it first says that the action of the request is allowed.
fn denial(message: &str) -> (Option<&str>, Option<&str>) {
    let quoted = |mark: &str| {
        let (_, rest) = message.split_once(mark)?;
        rest.split_once('\'').map(|(quoted, _)| quoted)
    };
    let linked = quoted("perform action(s) '").zip(quoted("linked scope(s) '"));
    match linked {
        Some((action, scope)) => (Some(action), Some(scope)),
        None => (quoted("perform action '"), quoted("over scope '")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: &str, message: &str) -> Said {
        Said { code: code.to_owned(), message: message.to_owned() }
    }

    #[test]
    fn access_denied_names_what_is_missing_and_where() {
        let message = "The client 'me@example.com' with object id '1' does not have authorization to perform action \
                       'Microsoft.Compute/virtualMachines/powerOff/action' over scope \
                       '/subscriptions/s/resourceGroups/g' or the scope is invalid. If access was recently granted, \
                       please refresh your credentials.";
        let error = refusal("X/y/read", &said("AuthorizationFailed", message), 403);
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert!(!error.is_retryable());
        let context: Vec<_> = error.context().collect();
        assert!(
            context.contains(&("missing", "Microsoft.Compute/virtualMachines/powerOff/action")),
            "{error}"
        );
        assert!(context.contains(&("scope", "/subscriptions/s/resourceGroups/g")), "{error}");
        let message = "The client 'c' with object id '1' has permission to perform action 'N/interfaces/write' on \
            scope '/i'; however, it does not have permission to perform action(s) 'N/groups/join/action' on the \
            linked scope(s) '/g' (respectively) or the linked scope(s) are invalid.";
        let error = refusal("X/y/read", &said("LinkedAuthorizationFailed", message), 403);
        assert!(error.to_string().contains("missing=\"N/groups/join/action\", scope=\"/g\""), "{error}");
        // If the message names nothing, the action of the call is named.
        let error = refusal("X/y/read", &said("AuthorizationFailed", "No."), 403);
        assert!(error.to_string().contains("missing=\"X/y/read\""), "{error}");
    }

    #[test]
    fn every_class_of_refusal_has_its_kind() {
        for (code, status, expected, retryable) in [
            ("TooManyRequests", 429, ErrorKind::Throttled, true),
            ("OperationNotAllowed", 429, ErrorKind::Throttled, true),
            ("InternalServerError", 500, ErrorKind::Unavailable, true),
            ("", 503, ErrorKind::Unavailable, true),
            ("AllocationFailed", 409, ErrorKind::Unavailable, true),
            ("ExpiredAuthenticationToken", 401, ErrorKind::Denied, false),
            ("InvalidAuthenticationTokenTenant", 401, ErrorKind::Denied, false),
            ("SubscriptionNotFound", 404, ErrorKind::Denied, false),
            ("NoValidSubscriptionsInQueryRequest", 400, ErrorKind::Denied, false),
            ("InvalidQuery", 400, ErrorKind::InvalidInput, false),
            ("InvalidSubscriptionId", 400, ErrorKind::InvalidInput, false),
            ("ResourceNotFound", 404, ErrorKind::NotFound, false),
            ("ResourceGroupNotFound", 404, ErrorKind::NotFound, false),
            ("OperationNotAllowed", 409, ErrorKind::Conflict, true),
            ("PreconditionFailed", 412, ErrorKind::Conflict, true),
            ("ScopeLocked", 409, ErrorKind::Refused, false),
            ("RequestDisallowedByPolicy", 403, ErrorKind::Refused, false),
            ("NoRegisteredProviderFound", 400, ErrorKind::InvalidInput, false),
            ("SomethingNew", 418, ErrorKind::Other, false),
        ] {
            let error = refusal("X/y/read", &said(code, ""), status);
            assert_eq!((error.kind(), error.is_retryable()), (expected, retryable), "{code} {status}");
        }
    }

    #[test]
    fn an_instance_that_is_gone_is_not_found() {
        let message = "The provided instanceId 7 is not an active Virtual Machine Scale Set VM instanceId.";
        let error = refusal("X/y/start/action", &said("InvalidParameter", message), 400);
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::NotFound, false));
        let error = refusal("X/y/start/action", &said("InvalidParameter", "The value of 'x' is wrong."), 400);
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn an_order_that_failed_later_says_why_and_may_be_given_again() {
        let error = serde_json::json!({ "code": "AllocationFailed", "message": "no host is free" });
        let error = failed_later("X/y/start/action", "Failed", Some(&error));
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.is_retryable());
        assert_eq!(code(&error), Some("AllocationFailed"));
        assert!(error.chain().ends_with("no host is free"), "{}", error.chain());
        let error = failed_later("X/y/start/action", "Canceled", None);
        assert_eq!((error.kind(), code(&error)), (ErrorKind::Conflict, Some("Canceled")));
    }

    #[test]
    fn a_refusal_is_read_wherever_azure_puts_it() {
        for body in [r#"{"error":{"code":"C","message":"M"}}"#, r#"{"code":"C","message":"M"}"#] {
            let said = Said::in_body(body.as_bytes());
            assert_eq!((said.code.as_str(), said.message.as_str()), ("C", "M"));
        }
        assert_eq!(Said::in_body(b"<html>").code, "");
        let body = br#"{"error":{"code":"BadRequest","message":"M","details":[
            {"code":"InvalidQuery","message":"no"},{"code":"ParserFailure","token":"explode","line":1},7]}}"#;
        let said = Said::in_body(body);
        assert_eq!(said.code, "InvalidQuery");
        assert_eq!(said.message, "M; InvalidQuery: no; ParserFailure: explode; ");
    }
}
