use std::{path::PathBuf, time::Duration};

use chaos_core::text::parse_duration;
use chaos_lab::{
    catalogues::Catalogues,
    experiment::{HypothesisStrategy, ReadOptions, RollbackStrategy, Variable},
    run::{Dry, RunOptions},
};
use clap::Parser;

use super::ReportFile;

/// The arguments of `run`. Those that Chaos Toolkit has too have its names.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "run",
    version,
    about = "Runs experiments in files, in the format of Chaos Toolkit",
    after_help = "A rollback is played however the run ends. If this program is killed, `chaos recover` plays it.\n\n\
                  Exit codes: 0 the hypothesis held and everything is undone; 2 the file or an argument makes no \
                  sense, and nothing ran; 3 not steady before, so nothing was injected; 4 a rollback failed; 5 an \
                  action failed, or a signal or the deadline cut the run short; 6 not steady while or after; 7 \
                  nobody could tell. With --compat those of Chaos Toolkit: 0, 1 and 2."
)]
#[non_exhaustive]
pub struct RunArguments {
    /// Experiments in JSON or YAML, run one after the other. The first that does not complete is the last
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Also run the files after one that did not complete
    #[arg(long)]
    pub(super) keep_going: bool,
    /// Tell everything that is wrong with the files, and run nothing
    #[arg(long)]
    pub(super) check: bool,
    /// Keep to Chaos Toolkit's order, choice of rollbacks and exit codes
    #[arg(long)]
    pub(super) compat: bool,
    /// Keep the rollbacks in this journal until they are played [default: one in the user's state directory]
    #[arg(long, value_name = "PATH")]
    pub(super) journal: Option<PathBuf>,
    /// Write the journal of Chaos Toolkit to this file
    #[arg(long, value_name = "PATH", default_value = "./journal.json")]
    pub(super) journal_path: PathBuf,
    /// End the method after this time, and play the rollbacks [default: as the file says, otherwise 1h]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    deadline: Option<Duration>,
    /// Leave out these activities
    #[arg(long, value_name = "KIND", value_parser = dry)]
    dry: Option<Dry>,
    /// Accepted, and without effect: an experiment is always checked before it runs
    #[arg(long)]
    no_validation: bool,
    /// Override an entry of the configuration: NAME=VALUE or NAME:TYPE=VALUE
    #[arg(long = "var", value_name = "NAME[:TYPE]=VALUE")]
    variables: Vec<Variable>,
    /// Override the configuration and the secrets from this file: JSON, YAML or .env
    #[arg(long = "var-file", value_name = "FILE")]
    pub(super) variable_files: Vec<PathBuf>,
    /// Call functions of Python in this interpreter, a path or a name in PATH, which also runs the controls of the file
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
    /// Take the controls and the strategies of this settings file of Chaos Toolkit
    #[arg(long, value_name = "FILE")]
    pub(super) settings: Option<PathBuf>,
    /// Leave out the controls, which are modules of Python
    #[arg(long)]
    without_controls: bool,
    /// When the rollbacks are played
    #[arg(long, value_name = "STRATEGY", value_parser = rollbacks)]
    rollback_strategy: Option<RollbackStrategy>,
    /// When the hypothesis is looked at
    #[arg(long, value_name = "STRATEGY", value_parser = hypothesis)]
    hypothesis_strategy: Option<HypothesisStrategy>,
    /// Seconds between two looks at the hypothesis during the method
    #[arg(long, value_name = "SECONDS", default_value = "1.0", value_parser = seconds)]
    hypothesis_frequency: Duration,
    /// End the method as soon as the hypothesis does not hold during it
    #[arg(long)]
    fail_fast: bool,
    /// Write a report of the runs to this file, in the form that its name asks for: .html, .md, .xml (JUnit) or .json
    #[arg(long = "report", value_name = "FILE")]
    pub(super) reports: Vec<ReportFile>,
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    pub(super) json: bool,
}

impl RunArguments {
    pub(super) fn reading(&self, catalogues: Catalogues) -> ReadOptions {
        let mut options = ReadOptions::default().catalogues(catalogues);
        for variable in &self.variables {
            options = options.variable(variable.clone());
        }
        for file in &self.variable_files {
            options = options.variable_file(file);
        }
        if let Some(program) = &self.python {
            options = options.python(program);
        }
        if let Some(file) = &self.settings {
            options = options.settings_file(file);
        }
        if self.without_controls {
            options = options.without_controls();
        }
        if self.compat {
            options = options.compatible();
        }
        options
    }

    /// Whether each file of variables is there.
    pub(super) fn check_variable_files(&self) -> chaos_core::Result<()> {
        self.variable_files.iter().try_for_each(|file| {
            let is_there = std::fs::metadata(file).is_ok_and(|found| found.is_file());
            if is_there {
                return Ok(());
            }
            Err(chaos_core::Error::invalid("--var-file", file.display(), "a file that can be read"))
        })
    }

    pub(super) fn options(&self) -> chaos_core::Result<RunOptions> {
        let mut options = RunOptions::default()
            .dry(self.dry)
            .hypothesis_frequency(self.hypothesis_frequency)
            .fail_fast(self.fail_fast)
            .compatible(self.compat);
        if let Some(deadline) = self.deadline {
            options = options.deadline(deadline).map_err(|error| error.in_field("--deadline"))?;
        }
        if let Some(strategy) = self.hypothesis_strategy {
            options = options.hypothesis_strategy(strategy);
        }
        if let Some(strategy) = self.rollback_strategy {
            options = options.rollback_strategy(strategy);
        }
        Ok(options)
    }
}

fn dry(name: &str) -> Result<Dry, String> {
    Dry::named(name).ok_or_else(|| one_of(Dry::ALL.map(Dry::name)))
}

fn rollbacks(name: &str) -> Result<RollbackStrategy, String> {
    RollbackStrategy::named(name).ok_or_else(|| one_of(RollbackStrategy::ALL.map(RollbackStrategy::name)))
}

/// Chaos Toolkit has `skip` in files alone.
fn hypothesis(name: &str) -> Result<HypothesisStrategy, String> {
    let strategy = HypothesisStrategy::named(name).filter(|strategy| *strategy != HypothesisStrategy::Skip);
    strategy.ok_or_else(|| {
        let known = HypothesisStrategy::ALL.into_iter().filter(|known| *known != HypothesisStrategy::Skip);
        one_of(known.map(HypothesisStrategy::name))
    })
}

fn one_of(names: impl IntoIterator<Item = &'static str>) -> String {
    format!("expected one of {}", names.into_iter().collect::<Vec<_>>().join(", "))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds
        .filter(|seconds| !seconds.is_zero())
        .ok_or_else(|| "expected a number of seconds above zero".to_owned())
}
