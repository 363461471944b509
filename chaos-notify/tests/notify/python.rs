use std::{env, ffi::OsString, path::PathBuf};

/// An interpreter that has the packages of `requirements.txt`.
const PYTHON: &str = "CHAOS_NOTIFY_PYTHON";

/// None, and told, if there is none; in CI there must be one.
pub(crate) fn python() -> Option<OsString> {
    let python = env::var_os(PYTHON);
    if python.is_none() {
        assert!(env::var_os("CI").is_none(), "{PYTHON} is not set");
        eprintln!("skipped: {PYTHON} is not set");
    }
    python
}

pub(crate) fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/notify").join(name)
}
