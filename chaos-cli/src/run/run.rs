use std::path::{Path, PathBuf};

use chaos_core::Result;
use chaos_lab::{
    document::Problems,
    experiment::Experiment,
    run::{ExperimentReport, ExperimentVerdict, Lab},
};

use super::{
    RunArguments,
    signals::Signals,
    summary::{complain, hidden_by_compat, in_json, summary},
};
use crate::{
    journal,
    program::{LogTo, ProgramResult, Status, lines_on_stderr, print, print_json},
};

/// Runs experiments.
///
/// # Errors
/// If the journal cannot be opened, or no process can be started.
pub async fn run(arguments: RunArguments) -> ProgramResult {
    LogTo::start(lines_on_stderr());
    arguments.variable_files()?;
    let reading = arguments.reading();
    let read: Vec<(&PathBuf, Result<Experiment, Problems>)> =
        arguments.files.iter().map(|file| (file, reading.read(file))).collect();
    let mut experiments = Vec::new();
    let mut is_sound = true;
    for (file, experiment) in read {
        match experiment {
            Ok(experiment) => experiments.push((file, experiment)),
            Err(problems) => {
                is_sound = false;
                complain(&format!("{} cannot be run:\n{problems}", file.display()));
            }
        }
    }
    if !is_sound {
        return Ok(if arguments.compat { Status::AsChaosToolkit } else { Status::BadArguments });
    }
    if arguments.check {
        print(&format!("{} can be run", counted(experiments.len())))?;
        return Ok(Status::Done);
    }
    let mut signals = Signals::listen()?;
    let mut worst = Status::Done;
    let mut reports = Vec::new();
    for (file, experiment) in &experiments {
        let report = one(&arguments, experiment, &mut signals).await?;
        let status = status(&report, &arguments);
        if !arguments.json {
            print(&summary(&report))?;
        }
        if arguments.compat
            && let Some(hidden) = hidden_by_compat(&report)
        {
            complain(&hidden);
        }
        let is_completed = matches!(report.verdict, ExperimentVerdict::Completed | ExperimentVerdict::DryRun);
        reports.push(in_json(file, &report));
        worst = if worst == Status::Done { status } else { worst };
        if !is_completed && !arguments.keep_going {
            break;
        }
    }
    if arguments.json {
        match reports.as_slice() {
            [report] if experiments.len() == 1 => print_json(report)?,
            reports => print_json(&reports)?,
        }
    }
    Ok(worst)
}

async fn one(
    arguments: &RunArguments,
    experiment: &Experiment,
    signals: &mut Signals,
) -> Result<ExperimentReport> {
    let options = arguments.options()?;
    let mut lab = Lab::new().journal_path(&arguments.journal_path);
    let mut opened: Option<PathBuf> = None;
    if options.needs_a_journal(experiment) {
        let path = journal_path(arguments.journal.as_deref())?;
        lab = lab.journal(journal::open(&path).await?);
        opened = Some(path);
    }
    let mut report = lab.options(options).run_until(experiment, signals.next()).await?;
    if report.verdict == ExperimentVerdict::NotRecovered
        && let Some(path) = opened
    {
        let again = crate::program::recover_command(&path);
        report.reasons.push(format!("play the rollbacks with: {again}"));
    }
    Ok(report)
}

fn journal_path(given: Option<&Path>) -> Result<PathBuf> {
    match given {
        Some(path) => Ok(path.to_owned()),
        None => journal::of_user("experiments.journal"),
    }
}

fn status(report: &ExperimentReport, arguments: &RunArguments) -> Status {
    if arguments.compat {
        return if report.compatible_exit_code == 0 { Status::Done } else { Status::AsChaosToolkit };
    }
    match report.verdict {
        ExperimentVerdict::Completed | ExperimentVerdict::DryRun => Status::Done,
        ExperimentVerdict::Skipped => Status::Skipped,
        ExperimentVerdict::NotRecovered => Status::NotRecovered,
        ExperimentVerdict::Deviated => Status::Deviated,
        ExperimentVerdict::Inconclusive => Status::Inconclusive,
        _ => Status::Other,
    }
}

fn counted(experiments: usize) -> String {
    if experiments == 1 { "1 experiment".to_owned() } else { format!("{experiments} experiments") }
}
