//! The mail server of `smtp_server.py`.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::{
    python::{python, script},
    tale::fixture,
};

pub(crate) const USER: &str = "chaos@example.com";
pub(crate) const PASSWORD: &str = "T0PASSWORD <&> of the mail";

/// How it speaks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mode {
    StartTls,
    Tls,
    Plain,
}

pub(crate) struct MailServer {
    pub(crate) port: u16,
    said: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl MailServer {
    /// One that answers mails as the script says ("take", "hang", "cut" or an answer), and then takes all. None, if
    /// there is no Python with its packages.
    pub(crate) async fn with(mode: Mode, answers: &[&str]) -> Option<Self> {
        let (login, mode) = match mode {
            Mode::StartTls => (Some([USER, PASSWORD]), "starttls"),
            Mode::Tls => (Some([USER, PASSWORD]), "tls"),
            Mode::Plain => (None, "plain"),
        };
        let settings = json!({
            "mode": mode,
            "login": login,
            "script": answers,
            "certificate": fixture("localhost.pem"),
            "key": fixture("key.pem"),
        });
        let mut process = Command::new(python()?)
            .args(["-BWignore".as_ref(), script("smtp_server.py").as_os_str(), settings.to_string().as_ref()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
        let first: Value = serde_json::from_str(&said.next_line().await.unwrap().unwrap()).unwrap();
        let port = u16::try_from(first["port"].as_u64().unwrap()).unwrap();
        Some(Self { port, said, _process: process })
    }

    /// The next thing that it says: `{"tried": ANSWER}` for each mail, and then the mail if it took it.
    pub(crate) async fn next(&mut self) -> Value {
        serde_json::from_str(&self.said.next_line().await.unwrap().unwrap()).unwrap()
    }

    /// The next mail that it takes.
    pub(crate) async fn mail(&mut self) -> Value {
        loop {
            let said = self.next().await;
            if said.get("tried").is_none() {
                return said;
            }
        }
    }
}

/// The values of all headers with this name.
pub(crate) fn header(mail: &Value, name: &str) -> Vec<String> {
    let headers = mail["headers"].as_array().unwrap().iter();
    let named = headers.filter(|header| header[0].as_str().unwrap().eq_ignore_ascii_case(name));
    named.map(|header| header[1].as_str().unwrap().to_owned()).collect()
}
