//! The directory: one tenant with one application, the tokens that it issues, and its refusals.

use std::collections::BTreeMap;

use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{answer::Answer, call::Call};

/// The tokens that were issued.
#[derive(Debug)]
pub(crate) struct Directory {
    /// The expiry of each token.
    tokens: BTreeMap<String, Timestamp>,
}

impl Directory {
    /// The subscription that exists from the beginning.
    pub(crate) const SUBSCRIPTION: &str = "11111111-1111-4111-8111-111111111111";
    pub(crate) const TENANT: &str = "22222222-2222-4222-8222-222222222222";
    pub(crate) const CLIENT: &str = "33333333-3333-4333-8333-333333333333";
    pub(crate) const OBJECT: &str = "44444444-4444-4444-8444-444444444444";
    pub(crate) const SECRET: &str = "not-a-secret";
    /// A token that is valid from the beginning until all tokens expire.
    pub(crate) const TOKEN: &str = "fake-arm-token";

    pub(crate) fn new() -> Self {
        Self { tokens: BTreeMap::from([(Self::TOKEN.to_owned(), Timestamp::MAX)]) }
    }

    /// Expires all tokens that were issued so far.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        for until in self.tokens.values_mut() {
            *until = now;
        }
    }

    /// Checks that a request has a valid token; `tenant` is that of the requested subscription.
    pub(crate) fn check(&self, call: &Call, tenant: &str, now: Timestamp) -> Result<(), Answer> {
        let Some(header) = call.header("authorization") else {
            return Err(refusal(
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing.",
            ));
        };
        let known = header.strip_prefix("Bearer ").and_then(|token| self.tokens.get(token));
        match known {
            None => Err(refusal("InvalidAuthenticationToken", "The access token is invalid.")),
            Some(until) if *until <= now => Err(expired(*until, now)),
            Some(_) if tenant != Self::TENANT => Err(refusal(
                "InvalidAuthenticationTokenTenant",
                &format!(
                    "The access token is from the wrong issuer 'https://sts.windows.net/{}/'. It must match the tenant \
                     'https://sts.windows.net/{tenant}/' associated with this subscription. Please use the authority \
                     (URL) 'https://login.windows.net/{tenant}' to get the token. Note, if the subscription is \
                     transferred to another tenant there is no impact to the services, but information about new \
                     tenant could take time to propagate (up to an hour). If you just transferred your subscription \
                     and see this error message, please try back later.",
                    Self::TENANT
                ),
            )),
            Some(_) => Ok(()),
        }
    }

    /// The token endpoint: `POST /TENANT/oauth2/v2.0/token`.
    pub(crate) fn token(&mut self, call: &Call, id: &str, lifetime_seconds: i64, now: Timestamp) -> Answer {
        if call.method != Method::POST {
            return Answer::empty(405);
        }
        let tenant = call.segments.first().map_or("", String::as_str);
        if !tenant.eq_ignore_ascii_case(Self::TENANT) {
            let message = format!(
                "AADSTS90002: Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are \
                 signing into the correct cloud. Check with your subscription administrator, this may happen if there \
                 are no active subscriptions for the tenant."
            );
            return oauth_error(400, "invalid_request", 90002, &message, now);
        }
        let form = call.form();
        let field =
            |name: &str| form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
        if field("grant_type") != "client_credentials" {
            let message = "AADSTS70003: The app requested an unsupported grant type.";
            return oauth_error(400, "unsupported_grant_type", 70003, message, now);
        }
        if field("client_id") != Self::CLIENT {
            let message = format!(
                "AADSTS700016: Application with identifier '{}' was not found in the directory '{tenant}'.",
                field("client_id")
            );
            return oauth_error(400, "unauthorized_client", 700_016, &message, now);
        }
        // The content of an assertion is not checked: it is signed with a key that is not registered here.
        let is_known = field("client_secret") == Self::SECRET || !field("client_assertion").is_empty();
        if !is_known {
            let message = format!(
                "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the \
                 client secret value, not the client secret ID, for a secret added to app '{}'.",
                Self::CLIENT
            );
            return oauth_error(401, "invalid_client", 7_000_215, &message, now);
        }
        let (token, _) = self.issue(id, lifetime_seconds, now);
        Answer::ok(json!({
            "token_type": "Bearer",
            "expires_in": lifetime_seconds,
            "ext_expires_in": lifetime_seconds,
            "access_token": token,
        }))
    }

    /// The endpoint of managed identities, as App Service has it: `GET /msi/token` with the secret as
    /// `X-IDENTITY-HEADER`.
    pub(crate) fn identity_token(
        &mut self,
        call: &Call,
        id: &str,
        lifetime_seconds: i64,
        now: Timestamp,
    ) -> Answer {
        let Some(resource) = call.parameter("resource") else {
            return oauth_error(400, "invalid_request", 50001, "The parameter resource is required.", now);
        };
        if call.method != Method::GET || call.header("x-identity-header") != Some(Self::SECRET) {
            return oauth_error(
                401,
                "unauthorized_client",
                50002,
                "X-IDENTITY-HEADER is not the secret.",
                now,
            );
        }
        let (token, until) = self.issue(id, lifetime_seconds, now);
        Answer::ok(json!({
            "access_token": token,
            "expires_on": until.as_second().to_string(),
            "resource": resource,
            "token_type": "Bearer",
            "client_id": Self::CLIENT,
        }))
    }

    fn issue(&mut self, id: &str, lifetime_seconds: i64, now: Timestamp) -> (String, Timestamp) {
        let token = format!("fake-arm-{id}");
        let until = now.checked_add(SignedDuration::from_secs(lifetime_seconds)).unwrap_or(Timestamp::MAX);
        self.tokens.insert(token.clone(), until);
        (token, until)
    }
}

/// 401 for an expired token.
pub(crate) fn expired(until: Timestamp, now: Timestamp) -> Answer {
    let message =
        format!("The access token expiry UTC time '{until}' is earlier than current UTC time '{now}'.");
    refusal("ExpiredAuthenticationToken", &message)
}

fn refusal(code: &str, message: &str) -> Answer {
    let tenant = Directory::TENANT;
    Answer::error(401, code, message).header(
        "www-authenticate",
        format!(
            "Bearer authorization_uri=\"https://login.windows.net/{tenant}\", error=\"invalid_token\", \
             error_description=\"{message}\""
        ),
    )
}

fn oauth_error(status: u16, error: &str, code: u32, message: &str, now: Timestamp) -> Answer {
    Answer::json(
        status,
        json!({
            "error": error,
            "error_description": format!("{message} Trace ID: 0 Correlation ID: 0 Timestamp: {now}"),
            "error_codes": [code],
            "timestamp": now.to_string(),
            "trace_id": "00000000-0000-0000-0000-000000000000",
            "correlation_id": "00000000-0000-0000-0000-000000000000",
            "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
        }),
    )
}
