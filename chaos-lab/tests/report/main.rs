//! Reports of runs with real processes, and of runs whose every text comes from an enemy.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod hostile;
mod junit;
mod kinds;

use std::path::Path;

use chaos_core::MemoryJournal;
use chaos_lab::{
    experiment::Experiment,
    run::{ExperimentReport, Lab, RunOptions},
};

/// Runs one of the experiments beside this file, in a folder of its own.
async fn run(file: &str, options: RunOptions) -> ExperimentReport {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report").join(file))
        .unwrap();
    let path = folder.path().join(file);
    std::fs::write(&path, text.replace("FOLDER", folder.path().to_str().unwrap())).unwrap();
    let experiment = Experiment::read(&path).unwrap();
    Lab::new().journal(MemoryJournal::new()).options(options).run(&experiment).await.unwrap()
}
