use std::{
    future::pending,
    path::{Path, PathBuf},
    pin::pin,
};

use chaos_core::{Error, Result, fault::FaultState};
use chaos_lab::{
    document::Problems,
    experiment::Experiment,
    report::json,
    run::{ExperimentReport, ExperimentVerdict, Lab},
};
use serde_json::Value;
use tokio::sync::oneshot;

use super::{
    ReportFile, RunArguments, again,
    approval::AtTerminal,
    outputs,
    signals::Signals,
    steps::OnTerminal,
    summary::{complain, hidden_by_compat, summary, unheeded},
};
use crate::{
    catalogue::Catalogue,
    journal,
    program::{LogTo, ProgramResult, Status, lines_on_stderr, print, print_json, recover_command},
};

/// A file, and the experiments in it: one, or the rungs of one that is scaled up.
struct Read<'a> {
    file: &'a Path,
    experiments: Vec<(Value, Experiment)>,
    is_scaled_up: bool,
}

/// Runs experiments.
///
/// # Errors
/// If the journal cannot be opened, no process can be started, or a report of completed runs cannot be written.
pub async fn run(arguments: RunArguments, catalogue: &Catalogue) -> ProgramResult {
    LogTo::start(lines_on_stderr());
    arguments.check_variable_files()?;
    arguments.reports.iter().try_for_each(ReportFile::check)?;
    let (files, are_readable) = read(&arguments, catalogue);
    // A single one is checked where it runs.
    let is_single = are_readable && files.len() == 1 && files.iter().all(|file| file.experiments.len() == 1);
    // Also those beside one that cannot be read, so that everything is told at once.
    let are_sound = (is_single && !arguments.check) || is_sound(&files, &arguments).await;
    if !are_readable || !are_sound {
        return Ok(refused(&arguments));
    }
    if arguments.check {
        print(&format!("{} can be run", counted(files.len())))?;
        return Ok(Status::Done);
    }
    let folder = arguments.journal_path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        let value = arguments.journal_path.display();
        let expected = format!("a file in a folder that exists; {} does not", folder.display());
        return Err(Error::invalid("--journal-path", value, expected).into());
    }
    outputs::check(&arguments)?;
    let mut signals = Signals::listen()?;
    let mut worst = Status::Done;
    let mut reports = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let ran = run_file(file, &arguments, catalogue, &mut signals, &mut reports).await;
        let status = match ran.map_err(|error| problems_in(&error).ok_or(error)) {
            Ok(status) => status,
            Err(Ok(problems)) => {
                complain(&format!("{} cannot be run:\n{problems}", file.file.display()));
                return Ok(refused(&arguments));
            }
            Err(Err(error)) => return Err(error.into()),
        };
        worst = worse(worst, status);
        if signals.has_come() || (status != Status::Done && !arguments.keep_going) {
            let left = files.len() - number - 1;
            if left > 0 {
                complain(&format!("{} of {} files were not run", left, files.len()));
            }
            break;
        }
    }
    // Its form depends on what was asked for, not on how far it went.
    let is_wanted = arguments.json || !arguments.reports.is_empty();
    let is_list = files.len() > 1 || files.iter().any(|file| file.is_scaled_up);
    let data = match if is_wanted { json(&reports) } else { Value::Null } {
        one @ Value::Object(_) if is_list => Value::from(vec![one]),
        data => data,
    };
    let written = write_reports(&arguments, &reports, &data);
    let printed = if arguments.json { print_json(&data) } else { Ok(()) };
    match written.and(printed) {
        // What the run has found matters more than where it is written down.
        Err(error) if worst != Status::Done => complain(&error.to_string()),
        written => written?,
    }
    Ok(worst)
}

/// Runs the experiments of a file, up to the first that does not complete.
async fn run_file(
    file: &Read<'_>,
    arguments: &RunArguments,
    catalogue: &Catalogue,
    signals: &mut Signals,
    reports: &mut Vec<ExperimentReport>,
) -> Result<Status> {
    let (mut held, mut of_file) = (None, Status::Done);
    for (rung, experiment) in &file.experiments {
        let mut report = one(arguments, catalogue, experiment, signals).await?;
        report.run_again = Some(again::command(given(), &arguments.files, file.file));
        report.rung = file.is_scaled_up.then(|| rung.clone());
        of_file = status(&report, arguments);
        if let Some(unwritten) = &report.unwritten {
            complain(&format!("error: {unwritten}"));
            of_file = if of_file == Status::Done { Status::Other } else { of_file };
        }
        // That nobody reads it ends neither the other runs nor the reports.
        if !arguments.json
            && let Err(error) = print(&summary(&report))
        {
            complain(&error.chain());
            of_file = worse(of_file, Status::Other);
        }
        if arguments.compat
            && let Some(hidden) = hidden_by_compat(&report)
        {
            complain(&hidden);
        }
        let is_completed = matches!(report.verdict, ExperimentVerdict::Completed | ExperimentVerdict::DryRun);
        reports.push(report);
        if !is_completed {
            break;
        }
        held = Some(rung);
    }
    if file.is_scaled_up {
        if !arguments.json {
            let told = print(&match held {
                Some(rung) => format!("the largest rung that held: {rung}"),
                None => "no rung held".to_owned(),
            });
            if told.is_err() {
                of_file = worse(of_file, Status::Other);
            }
        }
        // That a later rung did not hold is the answer.
        if held.is_some() && of_file == Status::Deviated {
            of_file = Status::Done;
        }
    }
    Ok(of_file)
}

/// The status of two runs together: what is not undone outranks everything.
fn worse(one: Status, other: Status) -> Status {
    let ranks = [
        Status::NotRecovered,
        Status::BadArguments,
        Status::Other,
        Status::Deviated,
        Status::Inconclusive,
        Status::Skipped,
        Status::AsChaosToolkit,
    ];
    ranks.into_iter().find(|status| [one, other].contains(status)).unwrap_or(Status::Done)
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

/// The files that can be read, and whether all can be. What is wrong with the others is told.
fn read<'a>(arguments: &'a RunArguments, catalogue: &Catalogue) -> (Vec<Read<'a>>, bool) {
    let reading = arguments.reading(catalogue.of_experiments());
    let mut files = Vec::new();
    let mut is_sound = true;
    for file in &arguments.files {
        let read = reading.read(file).and_then(|experiment| match &experiment.scale_up {
            Some(scale_up) => {
                Ok(Read { file, experiments: reading.rungs(file, scale_up)?, is_scaled_up: true })
            }
            None => Ok(Read { file, experiments: vec![(Value::Null, experiment)], is_scaled_up: false }),
        });
        match read {
            Ok(read) => files.push(read),
            Err(problems) => {
                is_sound = false;
                complain(&format!("{} cannot be run:\n{problems}", file.display()));
            }
        }
    }
    (files, is_sound)
}

/// The status of a file that cannot be run.
fn refused(arguments: &RunArguments) -> Status {
    if arguments.compat { Status::AsChaosToolkit } else { Status::BadArguments }
}

/// What is wrong with the file, if that is why it was not run.
fn problems_in(error: &Error) -> Option<Problems> {
    std::error::Error::source(error)?.downcast_ref::<Problems>().cloned()
}

/// Whether what the files have in Python is there; what is not is told.
async fn is_sound(files: &[Read<'_>], arguments: &RunArguments) -> bool {
    let Ok(options) = arguments.options() else { return true };
    let lab = Lab::new().options(options);
    let mut is_sound = true;
    for file in files {
        for (_, experiment) in &file.experiments {
            if let Err(problems) = lab.check(experiment).await {
                is_sound = false;
                complain(&format!("{} cannot be run:\n{problems}", file.file.display()));
                break;
            }
        }
    }
    is_sound
}

async fn one(
    arguments: &RunArguments,
    catalogue: &Catalogue,
    experiment: &Experiment,
    signals: &mut Signals,
) -> Result<ExperimentReport> {
    if let Some(unheeded) = unheeded(&experiment.document).filter(|_| arguments.compat) {
        complain(&unheeded);
    }
    let options = arguments.options()?;
    let mut lab = Lab::new()
        .journal_path(&arguments.journal_path)
        .catalogues(catalogue.of_experiments())
        .approved_by(AtTerminal);
    let mut opened: Option<PathBuf> = None;
    if options.needs_a_journal(experiment) {
        let path = journal_path(arguments.journal.as_deref())?;
        lab = lab.journal(journal::open(&path).await?);
        opened = Some(path);
    }
    if OnTerminal::is_there() && !arguments.json {
        lab = lab.followed_by(OnTerminal);
    }
    if let Some(path) = opened.as_ref().filter(|_| !arguments.compat) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        complain(&format!("the rollbacks are kept until they are played, in {}", path.display()));
    }
    let lab = lab.options(options);
    let mut report = until_interrupted(&lab, experiment, signals, opened.as_deref()).await?;
    if report.verdict == ExperimentVerdict::NotRecovered
        && let Some(path) = opened
    {
        let again = recover_command(&path);
        report.reasons.push(format!("play the rollbacks with: {again}"));
        let faults = report.run.iter().flat_map(|run| &run.faults).chain(&report.replayed);
        let left = faults.filter(|fault| fault.state != FaultState::Recovered).map(|fault| fault.id);
        let mended: Vec<String> = left
            .map(|id| format!("or undo it by hand, and say so: {again} --mended {id} --note TEXT"))
            .collect();
        report.reasons.extend(mended);
    }
    Ok(report)
}

/// Runs an experiment. The first signal cuts the method short; each later one says what is still being done.
async fn until_interrupted(
    lab: &Lab,
    experiment: &Experiment,
    signals: &mut Signals,
    journal: Option<&Path>,
) -> Result<ExperimentReport> {
    let (cut, is_cut) = oneshot::channel();
    let mut cut = Some(cut);
    let interrupted = async {
        match is_cut.await {
            Ok(interrupt) => interrupt,
            Err(_) => pending().await,
        }
    };
    let mut running = pin!(lab.run_until(experiment, interrupted));
    loop {
        let interrupt = tokio::select! {
            biased;
            report = &mut running => return report,
            interrupt = signals.next() => interrupt,
        };
        match cut.take() {
            Some(cut) => {
                // The run ends now, or it has ended by itself.
                let _ = cut.send(interrupt);
                complain("interrupted: what was begun is undone first");
            }
            None => {
                let by = journal.map(|journal| {
                    format!("; if you kill this program, go on with: {}", recover_command(journal))
                });
                complain(&format!("the rollbacks are still being played{}", by.unwrap_or_default()));
            }
        }
    }
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
