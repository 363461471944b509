//! Parts of experiments, and how they are run.

use std::{fs, path::Path};

use chaos_core::MemoryJournal;
use chaos_lab::{
    experiment::{Experiment, ReadOptions},
    run::{ExperimentReport, Lab},
};
use serde_json::{Value, json};

use crate::soon;

pub(crate) fn sh(kind: &str, name: &str, script: &str) -> Value {
    json!({ "type": kind, "name": name, "provider": { "type": "process", "path": "sh", "arguments": ["-c", script] } })
}

pub(crate) fn with(mut activity: Value, name: &str, value: Value) -> Value {
    activity[name] = value;
    activity
}

pub(crate) fn experiment(more: Value) -> Experiment {
    let mut document = json!({ "title": "t", "description": "d", "method": [] });
    for (name, value) in more.as_object().unwrap() {
        document[name] = value.clone();
    }
    Experiment::from_document(document, &ReadOptions::default()).unwrap()
}

pub(crate) async fn run(more: Value) -> ExperimentReport {
    soon(Lab::new().journal(MemoryJournal::new()).run(&experiment(more))).await.unwrap()
}

pub(crate) fn folder() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    (folder, path)
}

pub(crate) fn lines(folder: &Path) -> Vec<String> {
    fs::read_to_string(folder.join("log")).unwrap_or_default().lines().map(str::to_owned).collect()
}
