use std::path::PathBuf;

use clap::Args;

/// Runs the monkey of a file until it is stopped: it strikes as often as the file says, and always brings back what it
/// has broken
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct MonkeyArguments {
    /// The file, in TOML; docs/monkey.schema.json describes it
    #[arg(long, value_name = "FILE", required_unless_present = "schema")]
    pub config: Option<PathBuf>,
    /// Sets one value of the file, such as `schedule.mean=3`
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Reads the file and everything that it refers to, and starts nothing
    #[arg(long, conflicts_with = "preview")]
    pub check: bool,
    /// Shows the dues of the coming days, such as 30d, and touches nothing
    #[arg(long, value_name = "DAYS")]
    pub preview: Option<String>,
    /// Prints the JSON schema of the file
    #[arg(long, exclusive = true)]
    pub schema: bool,
    /// Prints JSON
    #[arg(long, requires = "preview")]
    pub json: bool,
}
