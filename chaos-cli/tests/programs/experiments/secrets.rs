//! Secrets of experiments: no byte of one is in a file, a log or on a terminal, and rollbacks have them all the same.

use std::{fs, path::Path, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    process::Command,
};

use super::place::Place;
use crate::support::{Ended, end};

const VARIABLE: &str = "CHAOS_TEST_SECRET";
/// The core of each secret, with letters around it that are written otherwise in a URL, in JSON and in Rust.
const CORES: [&str; 4] = ["XQENVIRONMENTQX", "XQINLINEQX", "XQFILEQX", "XQNESTEDQX"];
/// What the experiment says in place of what comes from a file of variables.
const REPLACED: &str = "XQREPLACEDQX";

fn secret(core: &str) -> String {
    format!("a \"{core}\"/+&é'\\")
}

/// Answers each request with what it was sent, in a header and in the body.
async fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 65536];
            let mut length = 0;
            while length == 0 || !is_whole(&request[..length]) {
                match stream.read(&mut request[length..]).await.unwrap_or(0) {
                    0 => break,
                    more => length += more,
                }
            }
            let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
            let head = [b"HTTP/1.1 200 OK\r\nConnection: close\r\nX-Echo: ", line, b"\r\n\r\n"].concat();
            let _ = stream.write_all(&[&head, &request[..length]].concat()).await;
        }
    });
    port
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, _)) = text.split_once("\r\n\r\n") else { return false };
    let length = head
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
    request.len() >= head.len() + 4 + length.unwrap_or(0)
}

/// An experiment that puts each secret wherever one can be put.
fn experiment(place: &Place, port: u16, silent: u16) -> Value {
    let all = ["${environment}", "${inline}", "${file}", "${deeper}"];
    let http = |url: &str, more: Value| {
        let mut provider =
            json!({ "type": "http", "url": url, "timeout": 0.3, "headers": { "X-Key": "${environment}" } });
        provider.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        provider
    };
    let shell = |script: &str, words: &[&str]| {
        let words: Vec<&str> = ["-c", script, "sh"].into_iter().chain(words.iter().copied()).collect();
        json!({ "type": "process", "path": "sh", "arguments": words })
    };
    let step =
        |kind: &str, name: &str, provider: Value| json!({ "type": kind, "name": name, "provider": provider });
    let at = format!("http://127.0.0.1:{port}");
    let forms = json!({ "arguments": { "one": all, "${inline}": "x" } });
    let posted = json!({ "method": "POST", "arguments": { "all": all } });
    let mut judged = step("probe", "judged", shell("printf '%s' \"$1\"", &["${deeper}"]));
    judged["tolerance"] = json!({ "type": "regex", "target": "stdout", "pattern": "no ${inline}" });
    let mut slow = shell("sleep 600", &all);
    slow["timeout"] = 0.2.into();
    let mut hypothesis = step("probe", "steady", shell("printf '%s\n' \"$@\"", &all));
    hypothesis["tolerance"] = json!({ "type": "regex", "target": "stdout", "pattern": "XQ" });
    // The output is cut in the middle of a secret.
    let long = "head -c 1048560 /dev/zero | tr '\\0' x; printf '%s\n' \"$1\" \"$1\"";
    json!({
        "title": "Secrets ${inline}", "description": "Of each kind.",
        "secrets": {
            "first": {
                "environment": { "type": "env", "key": VARIABLE },
                "inline": secret(CORES[1]),
                "number": 123_454_321,
                "deeper": { "deep": secret(CORES[3]) },
            },
            "second": { "file": REPLACED },
        },
        "steady-state-hypothesis": { "title": "Steady ${deeper}", "probes": [hypothesis] },
        "method": [
            step("action", "shouts", shell("printf '%s\n' \"$@\"; printf '%s\n' \"$@\" >&2; exit 3", &all)),
            step("action", "long", shell(long, &all)),
            judged,
            step("action", "gets", http(&format!("{at}/${{inline}}?q=${{deep}}"), forms.clone())),
            step("action", "posts", http(&format!("{at}/${{file}}"), posted.clone())),
            step("action", "posts JSON", http(&at, json!({
                "method": "POST", "arguments": { "all": all }, "headers": { "Content-Type": "application/json" },
            }))),
            step("action", "has a user", http(&format!("http://${{inline}}:${{deep}}@127.0.0.1:{port}/"), json!({}))),
            step("action", "is refused", http("http://127.0.0.1:1/${inline}?${file}", json!({}))),
            step("action", "has a wrong URL", http("http://${environment}/", json!({}))),
            step("action", "waits", http(&format!("http://127.0.0.1:{silent}/${{deep}}"), json!({}))),
            step("action", "is too slow", slow),
            step("action", "too much", shell(":", &["${number}", "${environment}\u{0}"])),
            place.activity("action", "stays", &[]),
        ],
        "rollbacks": [
            step("action", "rolls back", shell("printf '%s\\n' \"$@\" >rolled", &all)),
            step("action", "says so", shell("printf '%s\n' \"$@\"; printf '%s\n' \"$@\" >&2", &all)),
        ],
    })
}

struct Secrets {
    place: Place,
    _silent: TcpListener,
}

impl Secrets {
    async fn new() -> Self {
        let place = Place::new();
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let data = experiment(&place, echo().await, silent.local_addr().unwrap().port());
        place.write("experiment.json", &data);
        place.write("variables.json", &json!({ "secrets": { "second": { "file": secret(CORES[2]) } } }));
        Self { place, _silent: silent }
    }

    fn run(&self, more: &[&str]) -> Command {
        let mut run = self.place.run(&[&["--var-file", "variables.json"], more].concat());
        run.env(VARIABLE, secret(CORES[0])).env("RUST_LOG", "trace");
        run
    }

    async fn recover(&self, has_variable: bool) -> Ended {
        let mut recover = self.place.chaos(&["recover", "--journal", "experiments.journal"]);
        recover.env("RUST_LOG", "trace");
        if has_variable {
            recover.env(VARIABLE, secret(CORES[0]));
        }
        let recovered = end(recover.spawn().unwrap()).await;
        shows_no_secret("recover", &recovered);
        recovered
    }

    /// Looks into every file but those that the test has written, and what a rollback has.
    async fn keeps_them(&self) {
        for entry in fs::read_dir(self.place.path("")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.metadata().unwrap().is_file()
                && !["experiment.json", "variables.json", "rolled"].contains(&name)
            {
                is_without_secret(name, &fs::read(&path).unwrap());
            }
        }
        for more in [&[][..], &["--json"]] {
            let history = [&["history", "--journal", "experiments.journal"], more].concat();
            shows_no_secret("history", &self.place.ended(&history).await);
        }
    }

    /// Checks that the rollback had the secrets.
    fn is_rolled_back(&self) {
        let rolled = fs::read_to_string(self.place.path("rolled")).unwrap();
        let plain = CORES[..3].iter().map(|core| secret(core) + "\n").collect::<String>();
        // As Python writes it.
        assert_eq!(rolled, plain + &format!("{{'deep': 'a \"{}\"/+&é\\'\\\\'}}\n", CORES[3]));
        fs::remove_file(self.place.path("rolled")).unwrap();
    }
}

fn is_without_secret(what: &str, bytes: &[u8]) {
    for core in CORES.into_iter().chain([REPLACED, "123454321"]) {
        // Also not its first half, which is what a cut leaves.
        let half = &core[..6];
        let at = bytes.windows(half.len()).position(|window| window == half.as_bytes());
        let around =
            at.map(|at| String::from_utf8_lossy(&bytes[at.saturating_sub(200)..(at + 100).min(bytes.len())]));
        assert!(at.is_none(), "{what} holds {half}: {}", around.unwrap_or_default());
    }
}

fn shows_no_secret(what: &str, ended: &Ended) {
    is_without_secret(&format!("the output of {what}"), ended.stdout.as_bytes());
    is_without_secret(&format!("the errors of {what}"), ended.stderr.as_bytes());
}

#[tokio::test]
async fn no_byte_of_a_secret_is_shown_or_written_and_rollbacks_have_them() {
    let secrets = Secrets::new().await;
    let reports =
        ["--report", "a.html", "--report", "a.md", "--report", "a.xml", "--report", "a.json", "--json"];
    for more in [&[][..], &reports] {
        let ended = end(secrets.run(more).spawn().unwrap()).await.with_code(5);
        shows_no_secret("run", &ended);
        for name in ["is refused", "has a wrong URL", "waits", "is too slow"] {
            assert!(ended.stdout.contains(name), "{name}: {ended:#?}");
        }
        secrets.is_rolled_back();
        secrets.keeps_them().await;
    }
}

#[tokio::test]
async fn a_recovery_has_the_secrets_from_where_they_come_and_names_the_variable_that_is_not_set() {
    let mut secrets = Secrets::new().await;
    secrets.place.stay("begin", "stays", 1);
    let mut program = secrets.run(&[]).spawn().unwrap();
    secrets.place.said().await;
    secrets.place.journal_has(|journal| journal["run"].as_array().unwrap().len() == 13).await;
    program.start_kill().unwrap();
    let killed = end(program).await;
    assert!(killed.was_killed());
    shows_no_secret("run", &killed);
    secrets.keeps_them().await;
    // Wherever it is recovered.
    let refused = secrets.recover(false).await.with_code(4);
    assert!(refused.stdout.contains(VARIABLE), "{refused:#?}");
    assert_eq!(secrets.place.history().await[0]["state"], "recovery-failed");
    assert!(!Path::new(&secrets.place.path("rolled")).exists());
    // The file of the experiment is another one now.
    let file = secrets.place.path("experiment.json");
    let whole = fs::read_to_string(&file).unwrap();
    fs::write(&file, whole.replace("Of each kind.", "Of another kind.")).unwrap();
    let refused = secrets.recover(true).await.with_code(4);
    assert!(refused.stdout.contains("has changed since the run"), "{refused:#?}");
    fs::write(&file, whole.replace("\"inline\":", "\"renamed\":")).unwrap();
    let refused = secrets.recover(true).await.with_code(4);
    assert!(refused.stdout.contains("first.inline"), "{refused:#?}");
    fs::remove_file(&file).unwrap();
    let refused = secrets.recover(true).await.with_code(4);
    assert!(refused.stdout.contains("experiment.json"), "{refused:#?}");
    fs::write(&file, whole).unwrap();
    let variables = secrets.place.path("variables.json");
    let known = fs::read(&variables).unwrap();
    fs::write(&variables, "{}").unwrap();
    let refused = secrets.recover(true).await.with_code(4);
    assert!(refused.stdout.contains("second.file"), "{refused:#?}");
    fs::write(&variables, known).unwrap();
    secrets.recover(true).await.with_code(0);
    secrets.is_rolled_back();
    secrets.keeps_them().await;
    assert_eq!(secrets.place.history().await[0]["state"], "recovered");
    assert!(secrets.place.emptied().await < Duration::from_secs(2));
}
