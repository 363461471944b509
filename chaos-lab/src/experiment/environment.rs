use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
};

/// The variables of the environment: those of this process, or others in their place, and those of files over them.
#[derive(Clone, Default)]
pub(super) struct Environment {
    pub(super) instead: Option<BTreeMap<String, String>>,
    pub(super) added: Vec<(String, String)>,
}

/// Where Python looks for a program if PATH is not set.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

impl Environment {
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let added = self.added.iter().rev().find(|(known, _)| known == name);
        if let Some((_, value)) = added {
            return Some(value.clone());
        }
        match &self.instead {
            Some(variables) => variables.get(name).cloned(),
            None if name.is_empty() || name.contains(['=', '\0']) => None,
            None => env::var_os(name).map(|value| value.to_string_lossy().into_owned()),
        }
    }

    /// Whether there is such a program: at this path, or in PATH if it is a mere name.
    pub(super) fn has_program(&self, program: &str) -> bool {
        self.program(program).is_some()
    }

    /// The path of a program: itself, or where it is in PATH if it is a mere name.
    pub(super) fn program(&self, program: &str) -> Option<PathBuf> {
        if program.contains('/') {
            return Some(PathBuf::from(program)).filter(|program| is_executable(program));
        }
        let path = self.get("PATH").unwrap_or_else(|| DEFAULT_PATH.to_owned());
        env::split_paths(&path).map(|place| place.join(program)).find(|program| is_executable(program))
    }
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(file: &Path) -> bool {
    file.is_file()
}
