//! A simple client: one connection per request, and no retries.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use fake_azure::{COMPUTE_VERSION, FakeArm};
use serde_json::Value;

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    pub(crate) fn message(&self) -> &str {
        self.body["error"]["message"].as_str().unwrap_or_default()
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.body["value"].as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect()
    }
}

/// `path` with the query; the version of `Microsoft.Compute` is added if it names none.
pub(crate) fn get(fake: &FakeArm, path: &str) -> Reply {
    send(fake, "GET", path, &[], None).unwrap()
}

pub(crate) fn post(fake: &FakeArm, path: &str) -> Reply {
    send(fake, "POST", path, &[], None).unwrap()
}

/// Sends the fields of a form, without a token.
pub(crate) fn form(fake: &FakeArm, path: &str, fields: &[(&str, &str)]) -> Reply {
    let fields: Vec<String> =
        fields.iter().map(|(key, value)| format!("{key}={}", value.replace(':', "%3A"))).collect();
    exchange(fake, "POST", path, "Content-Type: application/x-www-form-urlencoded\r\n", &fields.join("&"))
        .unwrap()
}

/// `None` if the connection was cut.
pub(crate) fn send(
    fake: &FakeArm,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Option<Reply> {
    let path = path.strip_prefix(fake.endpoint()).unwrap_or(path);
    let version = match path {
        path if path.contains("api-version") => String::new(),
        path if path.contains('?') => format!("&api-version={COMPUTE_VERSION}"),
        _ => format!("?api-version={COMPUTE_VERSION}"),
    };
    let body = body.map(Value::to_string).unwrap_or_default();
    let token = format!("Bearer {}", FakeArm::TOKEN);
    let token = [("Authorization", token.as_str())];
    let is_admitted = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    let headers = headers.iter().chain(if is_admitted { &[][..] } else { &token });
    let headers: String = headers.map(|(key, value)| format!("{key}: {value}\r\n")).collect();
    exchange(fake, method, &format!("{path}{version}"), &headers, &body)
}

fn exchange(fake: &FakeArm, method: &str, path: &str, headers: &str, body: &str) -> Option<Reply> {
    let host = fake.endpoint().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    Some(Reply { status, headers, body: serde_json::from_str(body).unwrap_or(Value::Null) })
}

/// The ids of resources of the fake's own subscription.
pub(crate) fn machine(group: &str, name: &str) -> String {
    resource(group, "Microsoft.Compute/virtualMachines", name)
}

pub(crate) fn scale_set(group: &str, name: &str) -> String {
    resource(group, "Microsoft.Compute/virtualMachineScaleSets", name)
}

pub(crate) fn interface(group: &str, name: &str) -> String {
    resource(group, "Microsoft.Network/networkInterfaces", name)
}

pub(crate) fn security_group(group: &str, name: &str) -> String {
    resource(group, "Microsoft.Network/networkSecurityGroups", name)
}

pub(crate) fn rule_of(group: &str, security_group_name: &str, rule: &str) -> String {
    format!("{}/securityRules/{rule}", security_group(group, security_group_name))
}

pub(crate) fn experiment(group: &str, name: &str) -> String {
    resource(group, "Microsoft.Chaos/experiments", name)
}

fn resource(group: &str, kind: &str, name: &str) -> String {
    format!("/subscriptions/{}/resourceGroups/{group}/providers/{kind}/{name}", FakeArm::SUBSCRIPTION)
}

/// The path of all resources of a kind in the fake's own subscription.
pub(crate) fn everywhere(kind: &str) -> String {
    format!("/subscriptions/{}/providers/{kind}", FakeArm::SUBSCRIPTION)
}
