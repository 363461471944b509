//! Reports of runs: what a team shows to others, and what a build server reads.
//!
//! [`html`] is a page that loads nothing, [`markdown`] is for a pull request, [`junit`] is for a build server, and
//! [`json`] is for programs. [`ReportFormat`] chooses one of them by the name of a file.
//!
//! Whatever comes from an experiment or from a system is text here: no title and no output becomes markup.

mod format;
mod html;
mod json;
mod junit;
mod markdown;
mod markdown_text;
mod moments;
mod probe_looks;
mod step;
mod text;
mod tolerated;

pub use format::ReportFormat;
pub use html::html;
pub use json::json;
pub use junit::junit;
pub use markdown::markdown;
