//! Credentials from a program, with a time-out. The SDK itself waits minutes for a hanging program, and leaves it
//! behind.

use std::{fmt, fs::File, io, process::Stdio, time::Duration};

use aws_credential_types::{
    Credentials,
    provider::{self, ProvideCredentials, error::CredentialsError, future},
};
use aws_smithy_async::{
    future::timeout::Timeout,
    rt::sleep::{AsyncSleep as _, default_async_sleep},
};
use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use tokio::process::{Child, Command};

/// The time-out of the program.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// Runs the `credential_process` of a profile.
#[derive(Clone)]
pub(crate) struct CredentialProcess {
    pub(crate) command: String,
    pub(crate) limit: Duration,
}

/// Its output.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    version: u32,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<Timestamp>,
}

/// A program that is killed, together with its descendants, when no caller waits for it.
struct Running {
    child: Child,
    group: Option<Pid>,
}

impl Running {
    /// In a process group of its own, unless there is a terminal on which it may want to ask for something.
    fn start(command: &str) -> io::Result<Self> {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).kill_on_drop(true);
        shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let is_unattended = File::open("/dev/tty").is_err();
        if is_unattended {
            shell.process_group(0);
        }
        let child = shell.spawn()?;
        let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Ok(Self { child, group: id.filter(|_| is_unattended) })
    }

    async fn output(&mut self) -> io::Result<(bool, Vec<u8>, Vec<u8>)> {
        use tokio::io::AsyncReadExt;
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let (out, err) = (self.child.stdout.take(), self.child.stderr.take());
        let read_out = async {
            match out {
                Some(mut pipe) => pipe.read_to_end(&mut stdout).await,
                None => Ok(0),
            }
        };
        let read_err = async {
            match err {
                Some(mut pipe) => pipe.read_to_end(&mut stderr).await,
                None => Ok(0),
            }
        };
        futures_util::future::try_join(read_out, read_err).await?;
        let status = self.child.wait().await?;
        Ok((status.success(), stdout, stderr))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            // If all have ended, there is nothing left to kill.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl CredentialProcess {
    async fn credentials(&self) -> provider::Result {
        let failed = |what: String| {
            CredentialsError::provider_error(format!("the credential process of the profile {what}"))
        };
        let mut running =
            Running::start(&self.command).map_err(|error| failed(format!("does not start: {error}")))?;
        let output = match default_async_sleep() {
            Some(sleep) => match Timeout::new(Box::pin(running.output()), sleep.sleep(self.limit)).await {
                Ok(output) => output,
                Err(_) => {
                    return Err(failed(format!("has not answered within {:?}, and was killed", self.limit)));
                }
            },
            None => running.output().await,
        };
        let (is_success, stdout, stderr) =
            output.map_err(|error| failed(format!("gave output that cannot be read: {error}")))?;
        if !is_success {
            let said = String::from_utf8_lossy(&stderr);
            let said =
                chaos_core::text::escaped(said.trim().lines().next_back().unwrap_or_default()).to_string();
            return Err(failed(format!("has failed: {said}")));
        }
        // Its output contains secrets, so no error may quote any of it.
        let printed: Printed = serde_json::from_slice(&stdout)
            .map_err(|error| failed(format!("printed no credentials (line {})", error.line())))?;
        if printed.version != 1 {
            return Err(failed(format!("answered in version {}; expected version 1", printed.version)));
        }
        let Printed { access_key_id, secret_access_key, session_token, expiration, .. } = printed;
        let mut credentials = Credentials::builder()
            .access_key_id(access_key_id)
            .secret_access_key(secret_access_key)
            .provider_name("CredentialProcess");
        credentials.set_session_token(session_token);
        credentials.set_expiry(expiration.map(Into::into));
        Ok(credentials.build())
    }
}

impl ProvideCredentials for CredentialProcess {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

/// Its arguments may be secrets.
impl fmt::Debug for CredentialProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialProcess").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn process(command: &str) -> CredentialProcess {
        CredentialProcess { command: command.to_owned(), limit: Duration::from_millis(500) }
    }

    async fn failure(command: &str) -> String {
        let error = process(command).provide_credentials().await.unwrap_err();
        let error: &dyn std::error::Error = &error;
        error.source().unwrap().to_string()
    }

    #[tokio::test]
    async fn what_a_program_prints_are_credentials() {
        let printed = r#"{"Version": 1, "AccessKeyId": "AKID", "SecretAccessKey": "secret", "SessionToken": "token",
            "Expiration": "2030-03-02T09:00:00Z"}"#;
        let given = CredentialProcess { command: format!("echo '{printed}'"), limit: LIMIT };
        let given = given.provide_credentials().await.unwrap();
        assert_eq!((given.access_key_id(), given.session_token()), ("AKID", Some("token")));
        let end: Timestamp = given.expiry().unwrap().try_into().unwrap();
        assert_eq!(end, "2030-03-02T09:00:00Z".parse().unwrap());
        assert!(!format!("{:?}", process("echo secret")).contains("secret"));
    }

    #[tokio::test]
    async fn a_program_that_fails_is_named_and_its_secrets_are_not() {
        for (command, expected) in [
            ("echo first >&2; echo log in again >&2; exit 7", "has failed: log in again"),
            ("echo hunter2", "printed no credentials"),
            (r#"echo '{"Version": 1, "AccessKeyId": "hunter2"}'"#, "printed no credentials"),
            (
                r#"echo '{"Version": 2, "AccessKeyId": "hunter2", "SecretAccessKey": "hunter2"}'"#,
                "answered in version 2",
            ),
        ] {
            let error = failure(command).await;
            assert!(error.starts_with("the credential process of the profile "), "{error}");
            assert!(error.contains(expected) && !error.contains("hunter2"), "{error}");
        }
    }

    /// The number of processes that have this in their environment.
    fn marked(mark: &str) -> usize {
        let environments = std::fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| std::fs::read(entry.unwrap().path().join("environ")).ok());
        environments.filter(|environment| String::from_utf8_lossy(environment).contains(mark)).count()
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_ended_with_all_that_it_has_started() {
        let mark = format!("CHAOS_HANGS={}", std::process::id());
        // Its descendants are ended with it only if there is no terminal.
        let command = format!("export {mark}; sleep 600 & sleep 600");
        let error = failure(&command).await;
        assert!(error.contains("has not answered within 500ms, and was killed"), "{error}");
        if File::open("/dev/tty").is_err() {
            while marked(&mark) > 0 {
                tokio::task::yield_now().await;
            }
        }
        // If the caller is gone, no process is left either.
        let asking = CredentialProcess { command: format!("export {mark}; exec sleep 600"), limit: LIMIT };
        let asked = tokio::spawn(async move { asking.provide_credentials().await });
        while marked(&mark) == 0 {
            tokio::task::yield_now().await;
        }
        asked.abort();
        while marked(&mark) > 0 {
            tokio::task::yield_now().await;
        }
    }
}
