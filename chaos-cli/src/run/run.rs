use std::path::{Path, PathBuf};

use chaos_core::Result;
use chaos_lab::{
    document::Problems,
    experiment::Experiment,
    report::json,
    run::{ExperimentReport, ExperimentVerdict, Lab},
};
use serde_json::Value;

use super::{
    ReportFile, RunArguments, again,
    signals::Signals,
    summary::{complain, hidden_by_compat, summary},
};
use crate::{
    journal,
    program::{LogTo, ProgramResult, Status, lines_on_stderr, print, print_json},
};

/// Runs experiments.
///
/// # Errors
/// If the journal cannot be opened, no process can be started, or a report of completed runs cannot be written.
pub async fn run(arguments: RunArguments) -> ProgramResult {
    LogTo::start(lines_on_stderr());
    arguments.variable_files()?;
    arguments.reports.iter().try_for_each(ReportFile::check)?;
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
        let mut report = one(&arguments, experiment, &mut signals).await?;
        report.run_again = Some(again::command(given(), &arguments.files, file));
        let mut status = status(&report, &arguments);
        if let Some(unwritten) = &report.unwritten {
            complain(&format!("error: {unwritten}"));
            status = if status == Status::Done { Status::Other } else { status };
        }
        if !arguments.json {
            print(&summary(&report))?;
        }
        if arguments.compat
            && let Some(hidden) = hidden_by_compat(&report)
        {
            complain(&hidden);
        }
        let is_completed = matches!(report.verdict, ExperimentVerdict::Completed | ExperimentVerdict::DryRun);
        reports.push(report);
        worst = if worst == Status::Done { status } else { worst };
        if signals.has_come() || (!is_completed && !arguments.keep_going) {
            break;
        }
    }
    // Its form depends on what was asked for, not on how far it went.
    let is_wanted = arguments.json || !arguments.reports.is_empty();
    let data = match if is_wanted { json(&reports) } else { Value::Null } {
        one @ Value::Object(_) if experiments.len() > 1 => Value::from(vec![one]),
        data => data,
    };
    let written = write_reports(&arguments, &reports, &data);
    if arguments.json {
        print_json(&data)?;
    }
    match written {
        // What the run has found matters more than where it is written down.
        Err(error) if worst != Status::Done => complain(&error.to_string()),
        written => written?,
    }
    Ok(worst)
}

/// Writes each report, also after one that could not be written, of which the first is told.
fn write_reports(arguments: &RunArguments, reports: &[ExperimentReport], data: &Value) -> Result<()> {
    let written: Vec<_> = arguments.reports.iter().map(|file| file.write(reports, data)).collect();
    written.into_iter().collect()
}

/// The arguments of this command, as they were given.
fn given() -> impl Iterator<Item = String> {
    let all = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    all.skip_while(|argument| argument != "run").skip(1)
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
