use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};
use serde_json::Value;

use crate::{
    experiment::ProcessProvider,
    python,
    runner::trouble::{Trouble, TroubleKind},
    substitution::Names,
};

/// A program that was found, and its arguments.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CommandLine {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
}

impl CommandLine {
    /// # Errors
    /// `NotStarted` if there is no such program, `Refused` if the arguments are neither text, list nor mapping.
    pub(super) fn of(
        provider: &ProcessProvider,
        names: &Names,
        directory: Option<&Path>,
    ) -> Result<Self, Trouble> {
        let program = found(&provider.path, directory).ok_or_else(|| {
            let what = format!(
                "{:?} is no program: name an executable file, or one in a directory of PATH",
                provider.path
            );
            Trouble::new(TroubleKind::NotStarted, what, names)
        })?;
        let words = match names.substitute(&provider.arguments) {
            Value::Null => Vec::new(),
            Value::String(text) => {
                let mut line = program.into_os_string();
                line.push(" ");
                line.push(text);
                return Ok(Self { program: "/bin/sh".into(), arguments: vec!["-c".into(), line] });
            }
            Value::Array(items) => items,
            Value::Object(fields) => {
                fields.into_iter().flat_map(|(key, value)| [Value::String(key), value]).collect()
            }
            Value::Bool(_) | Value::Number(_) => {
                let what =
                    format!("the arguments of {:?} are neither a list, a mapping nor a text", provider.path);
                return Err(Trouble::new(TroubleKind::Refused, what, names));
            }
        };
        let words = words.iter().filter(|word| !word.is_null() && word.as_str() != Some(""));
        Ok(Self { program, arguments: words.map(|word| python::text(word).into()).collect() })
    }
}

/// The executable file of this name: a path, `~` being the home directory, or a name that is looked up in PATH.
fn found(name: &str, directory: Option<&Path>) -> Option<PathBuf> {
    let path = match (name.strip_prefix("~/"), directory) {
        (Some(rest), _) => PathBuf::from(env::var_os("HOME")?).join(rest),
        (None, Some(directory)) if name.contains('/') => directory.join(name),
        (None, _) => PathBuf::from(name),
    };
    if name.contains('/') {
        return is_program(&path).then_some(path);
    }
    let directories = env::var_os("PATH")?;
    env::split_paths(&directories).map(|directory| directory.join(&path)).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(path: &str, arguments: Value) -> Result<CommandLine, Trouble> {
        let names =
            Names::default().with("port", 80).with("all", json!(["a", 1])).with_secret("a", "key", "hunter2");
        CommandLine::of(&ProcessProvider::new(path, arguments), &names, None)
    }

    #[test]
    fn arguments_become_words_as_in_chaos_toolkit() {
        for (arguments, expected) in [
            (json!(null), vec![]),
            (json!([]), vec![]),
            (
                json!(["a b", "", null, 1, 1.0, true, ["x"], "${port}", "p$port"]),
                vec!["a b", "1", "1.0", "True", "['x']", "80", "p80"],
            ),
            (
                json!({ "-n": 7, "--all": null, "": "x", "${port}": "${port}" }),
                vec!["-n", "7", "--all", "x", "${port}", "80"],
            ),
            (json!("${all}"), vec!["a", "1"]),
        ] {
            let expected: Vec<OsString> = expected.into_iter().map(Into::into).collect();
            let line = line("/bin/sh", arguments).unwrap();
            assert_eq!(line, CommandLine { program: "/bin/sh".into(), arguments: expected });
        }
        let shell = line("/bin/sh", json!("a $port")).unwrap();
        assert_eq!(
            shell,
            CommandLine { program: "/bin/sh".into(), arguments: vec!["-c".into(), "/bin/sh a 80".into()] }
        );
        assert_eq!(line("/bin/sh", json!(7)).unwrap_err().kind(), TroubleKind::Refused);
    }

    #[test]
    fn programs_are_looked_up_in_path() {
        assert!(line("sh", json!(null)).unwrap().program.is_absolute());
        for missing in ["", "no-such-program", "/no/such/program", "/etc", "/etc/passwd", "${port}"] {
            assert_eq!(line(missing, json!(null)).unwrap_err().kind(), TroubleKind::NotStarted, "{missing}");
        }
        assert!(!line("/hunter2", json!(null)).unwrap_err().to_string().contains("hunter2"));
    }
}
