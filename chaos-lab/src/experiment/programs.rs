use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// The file of a program: a path, or a name that is looked up in `PATH`. `~` is the home directory.
pub(crate) fn found(program: &str) -> Option<PathBuf> {
    let program = expanded(program);
    if program.components().count() > 1 {
        return is_executable(&program).then_some(program);
    }
    let places = env::var_os("PATH")?;
    env::split_paths(&places).map(|place| place.join(&program)).find(|path| is_executable(path))
}

fn expanded(program: &str) -> PathBuf {
    match (program.strip_prefix("~/"), env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(program),
    }
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file())
}
