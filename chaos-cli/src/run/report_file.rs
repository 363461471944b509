use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    str::FromStr,
};

use chaos_core::{Error, ErrorKind, Result};
use chaos_lab::{report::ReportFormat, run::ExperimentReport};
use serde_json::Value;

/// A file for a report of the runs, in the form that its name asks for.
#[derive(Clone, Debug)]
pub struct ReportFile {
    path: PathBuf,
    format: ReportFormat,
}

impl FromStr for ReportFile {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let path = PathBuf::from(text);
        match ReportFormat::of_file(&path) {
            Some(format) => Ok(Self { path, format }),
            None => {
                let known = ReportFormat::ALL.map(|format| format!(".{}", format.extension())).join(", ");
                Err(format!("expected a name that ends in one of {known}"))
            }
        }
    }
}

impl ReportFile {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file can be written, as far as that is known before anything runs.
    ///
    /// # Errors
    /// `InvalidInput` if its folder is not there, or a folder stands in its place.
    pub(super) fn check(&self) -> Result<()> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let is_there = folder.is_none_or(|folder| folder.is_dir());
        if is_there && !self.path.is_dir() {
            return Ok(());
        }
        Err(Error::invalid("--report", self.path.display(), "a file in a folder that is there"))
    }

    /// Writes the report, or the runs as `data`. Who reads the file meanwhile sees the earlier one, or the whole new
    /// one.
    ///
    /// # Errors
    /// `Unavailable` if it cannot be written.
    pub(super) fn write(&self, reports: &[ExperimentReport], data: &Value) -> Result<()> {
        let text = match self.format {
            ReportFormat::Json => format!("{data:#}\n"),
            format => format.render(reports),
        };
        self.replace(&text).map_err(|error| {
            Error::new(ErrorKind::Unavailable, "the report cannot be written")
                .with("path", self.path.display())
                .caused_by(error)
        })
    }

    fn replace(&self, text: &str) -> io::Result<()> {
        let mut name = self.path.file_name().map(OsString::from).unwrap_or_default();
        name.push(".tmp");
        let draft = self.path.with_file_name(name);
        let replaced = fs::write(&draft, text).and_then(|()| fs::rename(&draft, &self.path));
        if replaced.is_err() {
            let _ = fs::remove_file(&draft);
        }
        replaced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_known_ending_is_taken() {
        for name in ["report.html", "out/REPORT.MD", "junit.xml", "data.json"] {
            assert!(name.parse::<ReportFile>().is_ok(), "{name}");
        }
        for name in ["report", "report.pdf", ".html", ""] {
            let wrong = name.parse::<ReportFile>().unwrap_err();
            assert_eq!(wrong, "expected a name that ends in one of .html, .md, .xml, .json", "{name}");
        }
    }
}
