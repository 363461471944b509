//! The reports of `chaos run --report`.

use std::fs;

use crate::support::{CHAOS, run, text};

const FAILS: &str = r#"
title: An action that fails
description: Nothing to undo.
method:
- {type: action, name: fail, provider: {type: process, path: "false"}}
"#;

#[tokio::test]
async fn each_report_is_written_in_the_form_of_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| text(&folder.path().join(name)).to_owned();
    fs::write(place("fails.yaml"), FAILS).unwrap();
    let (file, journal) = (place("fails.yaml"), place("journal.json"));
    let names = ["report.html", "report.md", "report.xml", "report.json"].map(place);
    let [html, markdown, xml, json] = &names;
    let mut arguments = vec!["run", &file, "--journal-path", &journal, "--json", "--fail-fast"];
    arguments.extend(names.iter().flat_map(|name| ["--report", name]));
    let ended = run(CHAOS, arguments).await.with_code(5);
    let read = |name: &str| fs::read_to_string(name).unwrap();
    assert!(read(html).starts_with("<!DOCTYPE html>") && read(html).contains("An action that fails"));
    assert!(read(markdown).contains(&format!("chaos run {file} --fail-fast\n")), "{}", read(markdown));
    assert!(read(xml).contains(r#"errors="2""#), "{}", read(xml));
    let written: serde_json::Value = serde_json::from_str(&read(json)).unwrap();
    assert_eq!(written, ended.json());
    let drafts = fs::read_dir(folder.path()).unwrap().filter(|entry| {
        entry.as_ref().is_ok_and(|entry| entry.file_name().to_string_lossy().ends_with(".tmp"))
    });
    assert_eq!(drafts.count(), 0);
}

#[tokio::test]
async fn a_report_of_no_known_form_is_refused_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| text(&folder.path().join(name)).to_owned();
    fs::write(place("fails.yaml"), FAILS).unwrap();
    let (file, journal) = (place("fails.yaml"), place("journal.json"));
    for (report, expected) in [
        (place("report.pdf"), "expected a name that ends in one of .html, .md, .xml, .json"),
        (place("missing/report.html"), "a folder that is there"),
    ] {
        let ended =
            run(CHAOS, ["run", &file, "--journal-path", &journal, "--report", &report]).await.with_code(2);
        assert!(ended.stderr.contains(expected), "{ended:#?}");
        assert!(!folder.path().join("journal.json").exists());
    }
}

/// What the run has found is told by the exit code all the same.
#[tokio::test]
async fn a_report_that_cannot_be_written_hides_no_worse_ending() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| text(&folder.path().join(name)).to_owned();
    // The method puts a folder where the report would be drafted.
    let blocks = |last: &str| {
        let block = format!("[-c, 'mkdir -p {}; {last}']", place("report.md.tmp"));
        FAILS.replace("path: \"false\"", &format!("path: sh, arguments: {block}"))
    };
    let (file, journal, report) = (place("blocks.yaml"), place("journal.json"), place("report.md"));
    for last in ["exit 1", "exit 0"] {
        fs::write(&file, blocks(last)).unwrap();
        let arguments = ["run", &file, "--journal-path", &journal, "--report", &report];
        let ended = run(CHAOS, arguments).await.with_code(5);
        assert!(ended.stderr.contains("the report cannot be written"), "{ended:#?}");
        assert_eq!(ended.stdout.contains("completed"), last == "exit 0", "{ended:#?}");
    }
}
