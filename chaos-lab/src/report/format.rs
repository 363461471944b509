use std::path::Path;

use super::{html, json, junit, markdown};
use crate::run::ExperimentReport;

/// The form of a report.
///
/// ```
/// use chaos_lab::report::ReportFormat;
///
/// assert_eq!(ReportFormat::of_file("out/report.HTML"), Some(ReportFormat::Html));
/// assert_eq!(ReportFormat::of_file("report.pdf"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReportFormat {
    /// A page for a browser.
    Html,
    /// Text for a pull request.
    Markdown,
    /// JUnit's XML, for a build server.
    Junit,
    /// Data, for programs.
    Json,
}

impl ReportFormat {
    /// Every form.
    pub const ALL: [Self; 4] = [Self::Html, Self::Markdown, Self::Junit, Self::Json];

    /// The ending of the names of its files.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Markdown => "md",
            Self::Junit => "xml",
            Self::Json => "json",
        }
    }

    /// The form that the name of a file asks for by its ending. `None` for any other ending.
    pub fn of_file(path: impl AsRef<Path>) -> Option<Self> {
        let extension = path.as_ref().extension()?.to_str()?;
        Self::ALL.into_iter().find(|format| extension.eq_ignore_ascii_case(format.extension()))
    }

    /// The text of the report of these runs.
    pub fn render(self, reports: &[ExperimentReport]) -> String {
        match self {
            Self::Html => html(reports),
            Self::Markdown => markdown(reports),
            Self::Junit => junit(reports),
            Self::Json => format!("{:#}\n", json(reports)),
        }
    }
}
