//! Files, activities and places that mean harm: each is refused by name or contained, in bounded time and memory.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::{FileTypeExt, symlink},
};

use rustix::{
    fs::{CWD, FileType, Mode, makedev, mknodat},
    process::Signal,
};
use serde_json::{Value, json};

use super::{
    killed::{experiment, is_empty},
    place::Place,
};
use crate::support::{Ended, command, end, send, text};

/// The most memory that `chaos` may use, in KiB.
const MOST_MEMORY: u64 = 100 * 1024;

fn shell(kind: &str, name: &str, script: &str) -> Value {
    json!({
        "type": kind, "name": name,
        "provider": { "type": "process", "path": "sh", "arguments": ["-c", script] },
    })
}

fn of_method(title: &str, method: &[Value]) -> Value {
    json!({ "title": title, "description": "Means harm.", "method": method })
}

/// The most memory that a process has used so far, in KiB.
fn memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Runs a file with a limit to the memory of all.
async fn read(place: &Place, file: &str) -> Ended {
    let limited = "ulimit -v 600000; exec \"$@\"";
    let mut run = command("sh", ["-c", limited, "sh", crate::support::CHAOS, "run", file]);
    end(run.current_dir(place.path("")).spawn().unwrap()).await
}

#[tokio::test]
async fn a_file_that_is_a_bomb_is_refused_by_name() {
    let place = Place::new();
    let aliases = format!("a: &a x\nb: [{}]\n", "*a, ".repeat(5 << 20));
    assert!(aliases.len() >= 20 << 20);
    let small = format!("a: &a x\nb: [{}]\n", "*a, ".repeat(1 << 20));
    let laughs = (1..12).map(|level| {
        let before = format!("*a{}, ", level - 1);
        format!("a{level}: &a{level} [{}]\n", before.repeat(10))
    });
    let laughs = format!("a0: &a0 lol\n{}", laughs.collect::<String>());
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let mappings = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    let blocks = (0..3000).map(|level| format!("{}a:\n", " ".repeat(level))).collect::<String>();
    for (name, data) in [
        ("aliases.yaml", &aliases),
        ("small.yaml", &small),
        ("laughs.yaml", &laughs),
        ("deep.yaml", &deep),
        ("deep.json", &deep),
        ("mappings.yaml", &mappings),
        ("mappings.json", &mappings),
        ("blocks.yaml", &blocks),
    ] {
        fs::write(place.path(name), data).unwrap();
        let ended = read(&place, name).await.with_code(2);
        assert!(ended.stderr.contains(name) && ended.stderr.len() < 10_000, "{ended:#?}");
    }
    // To open it would wait for ever.
    assert!(read(&place, "said").await.with_code(2).stderr.contains("no regular file"));
}

#[tokio::test]
async fn what_a_terminal_or_a_page_would_take_for_its_own_is_escaped() {
    let place = Place::new();
    let evil = "<script>alert(1)</script>\u{1b}[2J\u{1b}]0;mine\u{7}\r\nexperiment: completed\u{202e}";
    let mut step = shell("action", evil, "printf '\\033[2J' >&2; exit 1");
    step["undo"] = shell("action", evil, "exit 1");
    let data = of_method(evil, &[step, shell("probe", evil, "printf '\\033[31m'")]);
    place.write("experiment.json", &data);
    let ended =
        end(place.run(&["--report", "page.html", "--report", "page.md"]).spawn().unwrap()).await.with_code(4);
    let recovered = place.recover().await.with_code(4);
    let history = place.ended(&["history", "--journal", "experiments.journal"]).await.with_code(0);
    for output in [&ended.stdout, &ended.stderr, &recovered.stdout, &recovered.stderr, &history.stdout] {
        assert!(!output.contains(['\u{1b}', '\u{7}', '\r', '\u{202e}']), "{output:?}");
        assert!(!output.lines().any(|line| line.starts_with("experiment: completed")), "{output}");
    }
    let page = fs::read_to_string(place.path("page.html")).unwrap();
    assert!(!page.contains("<script>alert") && !page.contains('\u{1b}'), "{page}");
    let broken = end(place.chaos(&["run", evil]).spawn().unwrap()).await.with_code(2);
    assert!(!broken.stderr.contains('\u{1b}'), "{broken:#?}");
}

#[tokio::test]
async fn an_output_without_end_takes_little_memory() {
    let mut place = Place::new();
    let long = "head -c 1073741824 /dev/zero";
    place.write(
        "experiment.json",
        &of_method(
            "Long",
            &[shell("action", "long", &format!("{long} >&2")), place.activity("action", "stays", &[])],
        ),
    );
    place.stay("begin", "stays", 1);
    let program = place.run(&[]).spawn().unwrap();
    let memory_of = |line: String| {
        assert_eq!(line, "begin stays");
        memory(program.id().unwrap())
    };
    let used = memory_of(place.said().await);
    place.let_go();
    end(program).await.with_code(0);
    println!("{used} KiB");
    assert!(used < MOST_MEMORY, "{used} KiB");
}

#[tokio::test]
async fn a_pattern_that_explodes_is_given_up() {
    let place = Place::new();
    for pattern in ["(a+)+$", "(?=(a+)+$)a", "^(a+)+(?!b)$", "(a|aa)+\\1$"] {
        let mut probe = shell("probe", "long", "head -c 1000000 /dev/zero | tr '\\0' a; echo '!'");
        probe["tolerance"] = json!({ "type": "regex", "target": "stdout", "pattern": pattern });
        let mut data = of_method("Pattern", &[]);
        data["steady-state-hypothesis"] = json!({ "title": "It matches", "probes": [probe] });
        place.write("experiment.json", &data);
        let ended = end(place.run(&[]).spawn().unwrap()).await.with_code(3);
        assert!(ended.stdout.contains("before the method"), "{pattern}: {ended:#?}");
        assert!(ended.stdout.len() < 2000, "{pattern}");
    }
}

#[tokio::test]
async fn a_process_that_is_deaf_and_its_grandchild_end_with_the_run() {
    let mut place = Place::new();
    place.write("experiment.json", &experiment(&place, None));
    place.stay("within", "three", 1);
    let program = place.run(&[]).spawn().unwrap();
    place.said().await;
    assert!(
        place.processes().len() >= 3,
        "the program, the script, its grandchild and the one in the background"
    );
    send(program.id().unwrap(), Signal::TERM);
    end(program).await.with_code(5);
    is_empty(&place, "a grandchild").await;
}

#[tokio::test]
async fn a_file_that_changes_while_it_runs_changes_nothing() {
    let mut place = Place::new();
    place.write("experiment.json", &experiment(&place, None));
    place.stay("begin", "one", 1);
    let program = place.run(&[]).spawn().unwrap();
    place.said().await;
    place.write("experiment.json", &of_method("Another", &[place.activity("action", "another", &[])]));
    place.let_go();
    end(program).await.with_code(0);
    let begun = place.begun();
    assert!(begun.contains(&"undo-one".to_owned()) && !begun.contains(&"another".to_owned()), "{begun:?}");
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_is_told_by_name_before_anything_runs() {
    let place = Place::new();
    place.write("experiment.json", &experiment(&place, None));
    fs::create_dir(place.path("folder")).unwrap();
    for option in ["--journal", "--journal-path"] {
        for at in ["missing/journal", "folder", "log/journal", "/proc/journal", "/sys/journal", "said"] {
            let journal = if option == "--journal" { &[][..] } else { &["--journal", "experiments.journal"] };
            let run = [&["run", "experiment.json", option, at], journal].concat();
            let ended = place.ended(&run).await;
            assert!(matches!(ended.status.code(), Some(2 | 5)), "{option} {at}: {ended:#?}");
            let name = at.rsplit('/').next().unwrap();
            assert!(ended.stderr.contains(name), "{option} {at}: {ended:#?}");
            assert_eq!(place.begun(), [""; 0], "{option} {at}");
        }
    }
}

/// A device of its own, as root could replace that of the machine.
fn device(place: &Place, name: &str, minor: u32) -> String {
    let path = place.path(name);
    let made = mknodat(CWD, &path, FileType::CharacterDevice, Mode::RWXU, makedev(1, minor));
    match made.is_ok() && OpenOptions::new().write(true).open(&path).is_ok() {
        true => text(&path).to_owned(),
        false => format!("/dev/{name}"),
    }
}

#[tokio::test]
async fn links_and_devices_stay_what_they_are_and_a_report_outlives_its_journal() {
    let place = Place::new();
    place.write("experiment.json", &experiment(&place, None));
    fs::create_dir(place.path("folder")).unwrap();
    fs::write(place.path("folder/target.json"), "old").unwrap();
    symlink("folder/target.json", place.path("journal.json")).unwrap();
    end(place.run(&[]).spawn().unwrap()).await.with_code(0);
    assert!(place.path("journal.json").is_symlink());
    assert_eq!(place.toolkit_journal().unwrap()["verdict"], "completed");
    assert_eq!(fs::read_dir(place.path("folder")).unwrap().count(), 1, "a draft is left");
    let (null, full) = (device(&place, "null", 3), device(&place, "full", 7));
    end(place.run(&["--journal-path", &null]).spawn().unwrap()).await.with_code(0);
    assert!(fs::metadata(null).unwrap().file_type().is_char_device());
    let ended = end(place.run(&["--journal-path", &full]).spawn().unwrap()).await.with_code(5);
    assert!(ended.stdout.contains("completed") && ended.stderr.contains(&full), "{ended:#?}");
}

#[tokio::test]
async fn a_journal_whose_folder_is_gone_at_the_end_does_not_hide_the_verdict() {
    let mut place = Place::new();
    let mut data = experiment(&place, None);
    data["rollbacks"][0]["provider"]["path"] = "false".into();
    place.write("experiment.json", &data);
    fs::create_dir(place.path("folder")).unwrap();
    place.stay("begin", "one", 1);
    let program = place.run(&["--journal-path", text(&place.path("folder/journal.json"))]).spawn().unwrap();
    place.said().await;
    fs::rename(place.path("folder"), place.path("gone")).unwrap();
    place.let_go();
    let ended = end(program).await.with_code(4);
    assert!(
        ended.stdout.contains("not-recovered") && ended.stderr.contains("folder/journal.json"),
        "{ended:#?}"
    );
    assert!(ended.stdout.contains("play the rollbacks with"), "{ended:#?}");
}
