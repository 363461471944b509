//! The fake as a process of its own.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

use chaos_core::clock::{Clock, SystemClock};
use fake_azure::{COMPUTE_VERSION, FakeArm};
use serde_json::{Value, json};

use crate::client::machine;

struct Program {
    process: Child,
    host: String,
}

impl Program {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fake-arm"));
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let endpoint: Value = serde_json::from_str(&line).unwrap();
        let host = endpoint["endpoint"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
        Self { process, host }
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let mut stream = TcpStream::connect(&self.host).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            FakeArm::TOKEN,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 2"), "{answer}");
        serde_json::from_str(body).unwrap_or_default()
    }

    /// Runs a script that leaves a process behind, and returns that process and the machine's directory.
    async fn leave_one(&self) -> (i64, String) {
        self.ask(
            "POST",
            "/_fake/world",
            &json!([{ "availability_set": {
            "resource_group": "shop", "name": "web", "machines": 1
        } }]),
        );
        let order = json!({ "commandId": "RunShellScript", "script": ["sleep 600 &"] });
        let path = format!("{}/runCommand?api-version={COMPUTE_VERSION}", machine("shop", "web-0"));
        self.ask("POST", &path, &order);
        for _ in 0..1000 {
            let machine = self.ask("GET", "/_fake/machines", &json!(null))[0].clone();
            let processes = machine["processes"].as_array().unwrap();
            if let [process] = processes.as_slice()
                && fs::read(format!("/proc/{process}/cmdline")).is_ok_and(|line| line.starts_with(b"sleep"))
            {
                return (process.as_i64().unwrap(), machine["directory"].as_str().unwrap().to_owned());
            }
            SystemClock::default().sleep(Duration::from_millis(10)).await;
        }
        panic!("the script leaves nothing behind");
    }
}

async fn is_gone(process: i64, directory: &str) {
    for _ in 0..1000 {
        let there =
            fs::read(format!("/proc/{process}/environ")).is_ok_and(|environment| !environment.is_empty());
        if !there && !fs::exists(directory).unwrap() {
            return;
        }
        SystemClock::default().sleep(Duration::from_millis(10)).await;
    }
    panic!("{process} or {directory} is still there");
}

#[tokio::test]
async fn it_ends_with_its_input_and_leaves_nothing() {
    let mut program = Program::start();
    let (process, directory) = program.leave_one().await;
    drop(program.process.stdin.take());
    assert!(program.process.wait().unwrap().success());
    is_gone(process, &directory).await;
}

#[tokio::test]
async fn killed_it_leaves_nothing_either() {
    let mut program = Program::start();
    let (process, directory) = program.leave_one().await;
    program.process.kill().unwrap();
    program.process.wait().unwrap();
    is_gone(process, &directory).await;
}

#[test]
fn its_pages_do_what_the_methods_do() {
    let mut program = Program::start();
    program.ask("POST", "/_fake/world", &json!([
        { "availability_set": { "resource_group": "shop", "name": "web", "machines": 1, "system": "windows" } },
        { "scale_set": { "resource_group": "shop", "name": "api", "capacity": 1, "orchestration": "Flexible" } },
    ]));
    let mut settings = program.ask("GET", "/_fake/settings", &json!(null));
    settings["pace"] = json!("never");
    program.ask("PUT", "/_fake/settings", &settings);
    program.ask(
        "POST",
        "/_fake/trouble",
        &json!([{ "effect": { "throttle": { "retry_after_seconds": 1 } }, "path": "*/no" }]),
    );
    program.ask("DELETE", "/_fake/trouble", &json!(null));
    program.ask("PUT", "/_fake/role", &json!({ "actions": ["*"] }));
    let off = format!("{}/powerOff?api-version={COMPUTE_VERSION}", machine("shop", "web-0"));
    program.ask("POST", &off, &json!(null));
    let machines = program.ask("GET", "/_fake/machines", &json!(null));
    assert_eq!(machines.as_array().unwrap().len(), 2);
    assert!(machines.to_string().contains("\"stopping\""), "{machines}");
    assert_eq!(program.ask("GET", "/_fake/requests", &json!(null)).as_array().unwrap().len(), 1);
    program.ask("DELETE", "/_fake/requests", &json!(null));
    assert_eq!(program.ask("GET", "/_fake/requests", &json!(null)), json!([]));
    drop(program.process.stdin.take());
    assert!(program.process.wait().unwrap().success());
}
