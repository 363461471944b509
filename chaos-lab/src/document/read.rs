use std::{
    fs::{self, File},
    io::Read,
    path::Path,
};

use serde_json::Value;

use super::{json::json, problem::Problem, yaml::yaml};

/// The largest file that is read, in bytes.
pub const LARGEST: u64 = 8 << 20;

/// Reads a document: YAML if the name ends in `.yaml` or `.yml`, otherwise JSON.
///
/// ```
/// use chaos_lab::document;
///
/// let file = tempfile::Builder::new().suffix(".yaml").tempfile()?;
/// std::fs::write(&file, "background: yes\nmode: 0755\n")?;
/// assert_eq!(document::read(file.path()).unwrap(), serde_json::json!({ "background": true, "mode": 493 }));
///
/// std::fs::write(&file, "title: a\ntitle: b\n")?;
/// let problem = document::read(file.path()).unwrap_err();
/// assert!(problem.value.contains("title"), "{problem}");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// For a file that cannot be read, is larger than 8 MiB, or is not what its name says, with line and column.
pub fn read(path: &Path) -> Result<Value, Problem> {
    let name = path.display().to_string();
    let extension = path.extension().and_then(|extension| extension.to_str());
    let text = read_text(path)?;
    match extension {
        Some("yaml" | "yml") => {
            yaml(&text).map_err(|wrong| Problem::new(name, wrong, "YAML that can be read"))
        }
        _ => json(&text).map_err(|wrong| Problem::new(name, wrong, "JSON that can be read")),
    }
}

/// Reads a text.
///
/// # Errors
/// For a file that cannot be read, is larger than 8 MiB, or is not in UTF-8.
pub(crate) fn read_text(path: &Path) -> Result<String, Problem> {
    text(path).map_err(|(value, expected)| Problem::new(path.display().to_string(), value, expected))
}

/// The whole text, or what is wrong with it and what was expected.
fn text(path: &Path) -> Result<String, (String, &'static str)> {
    const FILE: &str = "a file that can be read";
    let failed = |error: std::io::Error| (error.to_string(), FILE);
    // A pipe or a device may never end, and to open a pipe may take for ever.
    let found = fs::metadata(path).map_err(failed)?;
    if found.is_dir() {
        return Err(("a folder".to_owned(), "a file; name those in it, as a shell does for FOLDER/*"));
    }
    if !found.is_file() {
        return Err(("no regular file".to_owned(), FILE));
    }
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        return Err((format!("more than {LARGEST} bytes"), "a file of at most 8 MiB"));
    }
    String::from_utf8(bytes).map_err(|error| (error.to_string(), "text in UTF-8"))
}
