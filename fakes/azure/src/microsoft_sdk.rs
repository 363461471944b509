//! Microsoft's own SDK for Python, as a reference for the answers of the fake and for the requests of clients.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::{FakeArm, Recorded};

const DRIVER: &str = include_str!("microsoft_sdk/driver.py");

/// Microsoft's SDK, in a Python process of its own that ends when this is dropped.
///
/// It needs a Python with the packages in `fakes/azure/src/microsoft_sdk/requirements.txt`, in exactly these versions;
/// `test.sh` makes one.
///
/// ```no_run
/// use fake_azure::{FakeArm, MicrosoftSdk, NewAvailabilitySet};
/// use serde_json::json;
///
/// # fn main() -> std::io::Result<()> {
/// let Some(mut sdk) = MicrosoftSdk::start()? else { return Ok(()) };
/// let fake = FakeArm::start()?;
/// fake.add(NewAvailabilitySet::new("shop", "web").machines(1));
/// let answer = sdk.call(
///     &fake,
///     "compute.virtual_machines.begin_power_off",
///     json!({ "resource_group_name": "shop", "vm_name": "web-0", "skip_shutdown": true }),
/// )?;
/// assert!(answer.requests[0].path.ends_with("/powerOff"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct MicrosoftSdk {
    process: Child,
    asked: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    _driver: NamedTempFile,
}

/// The outcome of one call of the SDK.
#[derive(Debug)]
#[non_exhaustive]
pub struct SdkAnswer {
    /// The result of the SDK, in the form of the REST API: a resource, a list of them, or null.
    pub outcome: Result<Value, SdkError>,
    /// The fields of the fake's replies that no model of the SDK knows.
    pub unknown_fields: Vec<String>,
    /// The requests of the SDK to the fake, the oldest first: the request itself, and those that followed its
    /// operation.
    pub requests: Vec<Recorded>,
}

/// An error that the SDK raised.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SdkError {
    /// The status of the reply, if there was one.
    pub status: Option<u16>,
    /// ARM's code, or the name of the exception.
    pub code: Option<String>,
    /// The message.
    pub message: String,
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    result: Value,
    #[serde(default)]
    unknown: Vec<String>,
    error: Option<SdkError>,
}

impl MicrosoftSdk {
    /// The variable that names the Python.
    pub const PYTHON: &str = "CHAOS_AZURE_PYTHON";

    /// Starts it. If [`PYTHON`](Self::PYTHON) names no Python, returns `None`, and prints `skipped: ...` on standard
    /// error.
    ///
    /// # Errors
    ///
    /// If it cannot be started. In CI (`CI=true`), where nothing is skipped, also if it is not named.
    pub fn start() -> io::Result<Option<Self>> {
        let Some(python) = env::var_os(Self::PYTHON).map(PathBuf::from).filter(|python| python.exists())
        else {
            let reason =
                format!("{} does not name a Python with Microsoft's SDK; ./test.sh makes one", Self::PYTHON);
            if env::var("CI").as_deref() == Ok("true") {
                return Err(io::Error::new(io::ErrorKind::NotFound, reason));
            }
            // Past the capture of what tests print, at the beginning of a line.
            writeln!(io::stderr(), "\nskipped: the comparison with Microsoft's SDK for Azure: {reason}")?;
            return Ok(None);
        };
        let driver = NamedTempFile::new()?;
        fs::write(driver.path(), DRIVER)?;
        let mut process = Command::new(python)
            .arg("-B")
            .arg(driver.path())
            // It must not use the proxies and credentials of the person who runs the tests.
            .env("NO_PROXY", "127.0.0.1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let asked = process.stdin.take();
        let answers = process.stdout.take().ok_or_else(|| io::Error::other("no pipe from Python"))?;
        Ok(Some(Self { process, asked, answers: BufReader::new(answers), _driver: driver }))
    }

    /// Makes the SDK call an operation, follow it to its end, and read all pages.
    ///
    /// `operation` is the client (`compute`, `network`, `monitor`, `chaos`, `graph`), the group, if there is one, and
    /// the method of the SDK.
    /// `arguments` are those of the method by their names; bodies are given as the REST API has them.
    ///
    /// # Errors
    ///
    /// If Python ended, or does not know the operation. An error that the SDK raises is an
    /// [`outcome`](SdkAnswer::outcome).
    pub fn call(&mut self, fake: &FakeArm, operation: &str, arguments: Value) -> io::Result<SdkAnswer> {
        let before = fake.requests().len();
        let (client, operation) = operation
            .split_once('.')
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "expected CLIENT.GROUP.METHOD"))?;
        let call = json!({
            "endpoint": fake.endpoint(),
            "subscription": FakeArm::SUBSCRIPTION,
            "token": FakeArm::TOKEN,
            "client": client,
            "operation": operation,
            "arguments": arguments,
        });
        let pipe = self.asked.as_mut().ok_or_else(|| io::Error::other("no pipe to Python"))?;
        writeln!(pipe, "{call}")?;
        pipe.flush()?;
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            let reason = format!("Python ended at {client}.{operation}: its output is above");
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, reason));
        }
        let reply: Reply = serde_json::from_str(&line)?;
        Ok(SdkAnswer {
            outcome: reply.error.map_or(Ok(reply.result), Err),
            unknown_fields: reply.unknown,
            requests: fake.requests().split_off(before),
        })
    }
}

impl Drop for MicrosoftSdk {
    fn drop(&mut self) {
        // It ends when its input does.
        drop(self.asked.take());
        let _ = self.process.wait();
    }
}
