use base64::{Engine as _, prelude::BASE64_STANDARD};
use hyper::{
    HeaderMap, Method, StatusCode,
    body::Bytes,
    header::{self, HeaderName, HeaderValue},
};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

use super::limits::Limits;
use crate::{experiment::HttpProvider, python, substitution::Names};

/// A request that is ready to be sent.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Message {
    /// # Errors
    /// What makes no sense. It shows no value.
    pub(super) fn of(provider: &HttpProvider, names: &Names) -> Result<(Self, Limits), &'static str> {
        let url = names.substitute(&Value::String(provider.url.clone()));
        let mut url = parsed(&python::text(&url))?;
        let method = provider.method.to_uppercase().parse().map_err(|_| "its method is none")?;
        if method == Method::CONNECT {
            return Err("CONNECT is for proxies");
        }
        let substituted = names.substitute(&Value::Object(provider.headers.clone()));
        let mut headers = headers(substituted.as_object().unwrap_or(&Map::new()))?;
        if let Some(authorization) = authorization(&mut url)? {
            headers.insert(header::AUTHORIZATION, authorization);
        }
        let limits = Limits::of(&names.substitute(&provider.timeout));
        let limits = limits.ok_or("its time-out is neither a number of seconds nor two of them")?;
        let arguments = names.substitute(&provider.arguments);
        let mut body = Bytes::new();
        if method == Method::GET {
            add_query(&mut url, &arguments)?;
        } else {
            let is_json = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
            body = if arguments.is_null() {
                Bytes::new()
            } else if is_json {
                arguments.to_string().into()
            } else {
                if !arguments.is_string() {
                    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
                    headers.entry(header::CONTENT_TYPE).or_insert(form);
                }
                encoded(&arguments)?.into()
            };
        }
        Ok((Self { method, url, headers, body }, limits))
    }

    /// The request that an answer sends to instead, as Python's requests makes it. `None` if it does not.
    ///
    /// # Errors
    /// If it sends to something else than a URL.
    pub(super) fn redirected(
        &self,
        status: StatusCode,
        location: Option<&HeaderValue>,
    ) -> Result<Option<Self>, &'static str> {
        let (Some(location), 301 | 302 | 303 | 307 | 308) = (location, status.as_u16()) else {
            return Ok(None);
        };
        let mut to = self.clone();
        let location = String::from_utf8_lossy(location.as_bytes());
        to.url = self.url.join(&location).map_err(|_| "it was redirected to something that is no URL")?;
        to.url = parsed(to.url.as_str()).map_err(|_| "it was redirected to something else than HTTP")?;
        let _ = to.url.set_username("");
        let _ = to.url.set_password(None);
        let is_get = match status.as_u16() {
            301 => self.method == Method::POST,
            302 | 303 => self.method != Method::HEAD,
            _ => false,
        };
        if is_get {
            to.method = Method::GET;
        }
        if !matches!(status.as_u16(), 307 | 308) {
            to.body = Bytes::new();
            to.headers.remove(header::CONTENT_TYPE);
        }
        if !is_same_place(&self.url, &to.url) {
            to.headers.remove(header::AUTHORIZATION);
            to.headers.remove(header::HOST);
        }
        Ok(Some(to))
    }
}

/// The same host and port, or the same host by `https` instead of `http` at their usual ports.
fn is_same_place(from: &Url, to: &Url) -> bool {
    let is_upgrade = from.scheme() == "http"
        && to.scheme() == "https"
        && from.port_or_known_default() == Some(80)
        && to.port_or_known_default() == Some(443);
    let is_same = from.scheme() == to.scheme() && from.port_or_known_default() == to.port_or_known_default();
    from.host() == to.host() && (is_same || is_upgrade)
}

fn parsed(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text.trim_start()).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or("its URL is no absolute one such as http://127.0.0.1:8080/health")
}

/// Takes user and password out of a URL.
fn authorization(url: &mut Url) -> Result<Option<HeaderValue>, &'static str> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
    let both = [decoded(url.username()), decoded(url.password().unwrap_or_default())].join(&b':');
    let value = HeaderValue::try_from(format!("Basic {}", BASE64_STANDARD.encode(both)));
    let mut value = value.map_err(|_| "its user and password fit in no header")?;
    value.set_sensitive(true);
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Ok(Some(value))
}

fn headers(fields: &Map<String, Value>) -> Result<HeaderMap, &'static str> {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    headers
        .insert(header::USER_AGENT, HeaderValue::from_static(concat!("chaos/", env!("CARGO_PKG_VERSION"))));
    for (name, value) in fields {
        let name = HeaderName::try_from(name).map_err(|_| "the name of a header is none")?;
        if value.is_null() {
            headers.remove(name);
            continue;
        }
        let mut value = HeaderValue::try_from(python::text(value))
            .map_err(|_| "the value of a header is no line of visible characters")?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    // They follow from the body, and from the connection, which serves this request alone.
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::TRANSFER_ENCODING);
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    Ok(headers)
}

fn add_query(url: &mut Url, arguments: &Value) -> Result<(), &'static str> {
    let more = encoded(arguments)?;
    if !more.is_empty() {
        let query = url.query().filter(|query| !query.is_empty());
        let query = query.map_or_else(|| more.clone(), |query| format!("{query}&{more}"));
        url.set_query(Some(&query));
    }
    Ok(())
}

/// A text as it is, a mapping or a list of pairs as a form. A list of values repeats its name, and null leaves it out.
fn encoded(arguments: &Value) -> Result<String, &'static str> {
    let pairs: Vec<(String, &Value)> = match arguments {
        Value::Null => return Ok(String::new()),
        Value::String(text) => return Ok(text.clone()),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => {
            let pair = |item: &'_ Value| match item.as_array().map(Vec::as_slice) {
                Some([name, _]) => Some(python::text(name)),
                _ => None,
            };
            let names = items.iter().map(pair).collect::<Option<Vec<_>>>();
            let names = names.ok_or("its arguments are a list of something else than pairs")?;
            names.into_iter().zip(items.iter().map(|item| &item[1])).collect()
        }
        Value::Bool(_) | Value::Number(_) => {
            return Err("its arguments are neither a mapping, a list of pairs nor a text");
        }
    };
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        let keys;
        let values: Vec<&Value> = match value {
            Value::Array(values) => values.iter().collect(),
            Value::Object(fields) => {
                keys = fields.keys().map(|key| Value::from(key.as_str())).collect::<Vec<_>>();
                keys.iter().collect()
            }
            value => vec![value],
        };
        for value in values.into_iter().filter(|value| !value.is_null()) {
            form.append_pair(&name, &python::text(value));
        }
    }
    Ok(form.finish())
}
