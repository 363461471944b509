//! Runs experiments in files.

mod again;
mod approval;
mod arguments;
mod outputs;
mod report_file;
mod run;
mod signals;
mod steps;
mod summary;

pub use arguments::RunArguments;
pub use report_file::ReportFile;
pub use run::run;
