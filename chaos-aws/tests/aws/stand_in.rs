//! The stand-in for AWS as a child process, which ends with its test. The tests of the drill share this file.

use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

/// The program `moto_server` of a virtual environment with the packages in `fakes/aws/requirements.txt`.
const MOTO: &str = "CHAOS_MOTO";
/// The socket of a nursery, if one runs: it forks a stand-in at once, instead of the 1.5 s that a new one takes.
const NURSERY: &str = "CHAOS_MOTO_NURSERY";

#[derive(Debug)]
pub(crate) struct StandIn {
    _life: Life,
    address: String,
    pub(crate) has_namespaces: bool,
}

/// A stand-in ends, with all that it has started, when its input does.
#[derive(Debug)]
enum Life {
    Process(Child),
    OfNursery(UnixStream),
}

impl StandIn {
    /// Starts one, whose code is in `folder`. If moto is not installed, returns `None` and prints that.
    pub(crate) fn start(folder: &Path) -> Option<Self> {
        let Some(moto) = env::var_os(MOTO).map(PathBuf::from).filter(|moto| moto.exists()) else {
            assert_ne!(env::var("CI").as_deref(), Ok("true"), "in CI, {MOTO} must name moto_server");
            // Past the capture of what tests print, at the beginning of a line.
            let _ = writeln!(
                std::io::stderr(),
                "\nskipped: tests against moto: {MOTO} does not name moto_server; ./test.sh installs it"
            );
            return None;
        };
        let (life, line) = match env::var_os(NURSERY) {
            Some(socket) => Life::of_nursery(Path::new(&socket)),
            None => Life::of_process(&moto.with_file_name("python"), folder),
        };
        let ready: Value = serde_json::from_str(&line).expect("the stand-in is ready");
        let address = ready["endpoint"].as_str().unwrap().trim_start_matches("http://").to_owned();
        let has_namespaces = ready["namespaces"].as_bool().unwrap();
        Some(Self { _life: life, address, has_namespaces })
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds groups, in the format of the stand-in's pages.
    pub(crate) fn add(&self, groups: Value) -> Value {
        self.page("POST", "world", Some(json!({ "seed": 1, "groups": groups })))
    }

    /// Makes calls fail.
    pub(crate) fn break_calls(&self, faults: Value) {
        self.page("POST", "faults", Some(faults));
    }

    /// The names of the calls since they were last forgotten, including those of the test itself. A dry run says so
    /// after its name.
    pub(crate) fn calls(&self) -> Vec<String> {
        let calls = self.page("GET", "calls", None);
        let calls = calls.as_array().or_else(|| calls["calls"].as_array()).expect("a list of calls");
        let name = |call: &Value| {
            let (action, is_dry) = (call["action"].as_str().unwrap(), call["dry_run"] == true);
            format!("{action}{}", if is_dry { " (dry run)" } else { "" })
        };
        calls.iter().map(name).collect()
    }

    pub(crate) fn count(&self, action: &str) -> usize {
        self.calls().iter().filter(|call| *call == action).count()
    }

    pub(crate) fn forget_calls(&self) {
        self.page("DELETE", "calls", None);
    }

    pub(crate) fn page(&self, method: &str, page: &str, body: Option<Value>) -> Value {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "{method} /_stand_in/{page} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(" 200 ") || head.contains(" 201 ") || head.contains(" 204 "),
            "{page}: {answer}"
        );
        serde_json::from_str(body).unwrap_or(Value::Null)
    }
}

impl Life {
    /// Returns it with the line that it prints once it is ready.
    fn of_process(python: &Path, folder: &Path) -> (Self, String) {
        let mut process = Command::new(python)
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the stand-in starts");
        let line = first_line(process.stdout.take().unwrap());
        (Self::Process(process), line)
    }

    fn of_nursery(socket: &Path) -> (Self, String) {
        let stream = UnixStream::connect(socket).expect("the nursery listens");
        let line = first_line(stream.try_clone().unwrap());
        (Self::OfNursery(stream), line)
    }
}

fn first_line(from: impl Read) -> String {
    let mut line = String::new();
    BufReader::new(from).read_line(&mut line).unwrap();
    line
}

impl Drop for Life {
    fn drop(&mut self) {
        match self {
            Self::Process(process) => {
                drop(process.stdin.take());
                let _ = process.wait();
            }
            Self::OfNursery(stream) => {
                let _ = stream.shutdown(Shutdown::Write);
                let _ = stream.read_to_end(&mut Vec::new());
            }
        }
    }
}
