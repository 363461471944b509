//! Secrets in a file are references to the environment or to another file.

use std::{
    collections::BTreeMap,
    fmt, fs,
    io::Read,
    path::{Path, PathBuf},
};

use chaos_core::{Error, ErrorKind, Result, text::nearest};
use serde_json::{Map, Value};

/// What stands in an error in place of a value that may be a secret.
const NOT_SHOWN: &str = "a value that is not shown";
const EXPECTED: &str = r#"a reference: { env = "NAME" } or { file = "PATH" }"#;
/// The most that a secret has, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Where references lead to.
#[derive(Clone, Default)]
pub(crate) struct Surroundings {
    environment: BTreeMap<String, String>,
    /// The folder that relative paths of secrets are in: `$CREDENTIALS_DIRECTORY`.
    credentials: Option<PathBuf>,
    /// The folder of the file, that all other relative paths are in.
    folder: PathBuf,
}

/// A secret. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// The secret itself.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(not shown)")
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Surroundings {
    /// Those of this process, for a file in `folder`.
    pub(crate) fn of_process(folder: &Path) -> Self {
        let read = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let environment: BTreeMap<_, _> = std::env::vars_os().filter_map(read).collect();
        let credentials = environment.get("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        Self { environment, credentials, folder: folder.to_owned() }
    }

    /// A path of the file.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    fn variable(&self, name: &str) -> Result<String> {
        self.environment.get(name).cloned().ok_or_else(|| {
            // What does not look like a name may be the secret itself.
            let is_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
            let shown = if name.bytes().all(is_name) { format!("{name:?}") } else { NOT_SHOWN.to_owned() };
            Error::invalid("env", shown, "the name of an environment variable that is set")
        })
    }

    fn content(&self, path: &str) -> Result<String> {
        let file = match &self.credentials {
            Some(credentials) => credentials.join(path),
            None if Path::new(path).is_relative() => {
                let expected = "an absolute path, because CREDENTIALS_DIRECTORY is not set";
                return Err(Error::invalid("file", format!("{path:?}"), expected));
            }
            None => PathBuf::from(path),
        };
        let unreadable = |error: std::io::Error| {
            let expected = "a file that can be read";
            Error::invalid("file", format!("{:?}", file.display().to_string()), expected).caused_by(error)
        };
        let mut text = String::new();
        fs::File::open(&file)
            .and_then(|opened| opened.take(LONGEST).read_to_string(&mut text))
            .map_err(unreadable)?;
        // An editor ends the last line.
        let text = text.trim_end_matches(['\n', '\r']).to_owned();
        if text.is_empty() {
            return Err(Error::invalid(
                "file",
                format!("{:?}", file.display().to_string()),
                "a file with a secret",
            ));
        }
        Ok(text)
    }
}

/// The value of a parameter that may be a secret: a reference is replaced by what it leads to, anything else is as it
/// is.
pub(super) fn given(value: &Value, surroundings: &Surroundings) -> Result<Value> {
    Ok(match value {
        Value::Object(reference) => Value::from(resolve(reference, surroundings)?),
        Value::Array(items) => items.iter().map(|item| given(item, surroundings)).collect::<Result<_>>()?,
        other => other.clone(),
    })
}

/// A secret, which must be a reference.
pub(super) fn secret(value: &Value, surroundings: &Surroundings) -> Result<Secret> {
    match value {
        Value::Object(reference) => resolve(reference, surroundings).map(Secret),
        _ => Err(Error::new(
            ErrorKind::InvalidInput,
            format!("the secret itself, which is not shown; expected {EXPECTED}"),
        )),
    }
}

fn resolve(reference: &Map<String, Value>, surroundings: &Surroundings) -> Result<String> {
    let unfit = |what: String| Error::new(ErrorKind::InvalidInput, what);
    let mut fields = reference.iter();
    match (fields.next(), fields.next()) {
        (Some((name, Value::String(text))), None) if name == "env" => surroundings.variable(text),
        (Some((name, Value::String(text))), None) if name == "file" => surroundings.content(text),
        (Some((name, _)), None) => {
            let name: String = name.chars().take(80).collect();
            let near = nearest(&name, ["env", "file"]);
            let expected = near.map_or_else(|| EXPECTED.to_owned(), str::to_owned);
            Err(unfit(format!("an unknown key {name}; expected {expected}")))
        }
        _ => Err(unfit(format!("{NOT_SHOWN}; expected {EXPECTED}"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn surroundings(folder: &Path) -> Surroundings {
        Surroundings {
            environment: [("CHAT_URL".to_owned(), "hunter2".to_owned())].into(),
            credentials: Some(folder.to_owned()),
            folder: folder.to_owned(),
        }
    }

    #[test]
    fn a_secret_is_found_in_the_environment_or_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("chat-url"), "hunter3\n").unwrap();
        let surroundings = surroundings(folder.path());
        let found = |value| secret(&value, &surroundings).map(|secret| secret.reveal().to_owned());
        assert_eq!(found(json!({ "env": "CHAT_URL" })).unwrap(), "hunter2");
        assert_eq!(found(json!({ "file": "chat-url" })).unwrap(), "hunter3");
        assert!(found(json!({ "file": "absent" })).unwrap_err().to_string().contains("absent"));
        assert!(found(json!({ "env": "ABSENT" })).unwrap_err().to_string().contains("ABSENT"));
        assert!(!found(json!({ "env": "hunter2" })).unwrap_err().to_string().contains("hunter2"));
        assert!(found(json!({ "enw": "x" })).unwrap_err().to_string().ends_with("expected env"));
    }

    #[test]
    fn a_secret_that_is_written_out_is_refused_and_shown_nowhere() {
        let surroundings = surroundings(Path::new("/"));
        for written in [json!("hunter2"), json!(["hunter2"]), json!({ "env": ["hunter2"] }), json!({})] {
            let error = secret(&written, &surroundings).unwrap_err();
            assert!(!format!("{error:?} {error}").contains("hunter2"), "{error:?}");
        }
        let found = secret(&json!({ "env": "CHAT_URL" }), &surroundings).unwrap();
        assert!(!format!("{found:?} {surroundings:?}").contains("hunter2"));
    }
}
