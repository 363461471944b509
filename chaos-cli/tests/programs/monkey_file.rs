//! The file of `chaos monkey`: what is wrong with it is told with its line, its column and the right word.

use std::{collections::BTreeSet, fs, path::Path};

use crate::support::{CHAOS, Ended, FleetProgram, command, end, run, text};

const EXAMPLE: &str = include_str!("../../../examples/monkey.toml");

/// The example, for a fleet of the test.
fn example(fleet: &FleetProgram) -> String {
    let own = EXAMPLE.replace("/tmp/web", text(&fleet.state()));
    let journal = fleet.place("monkey.journal");
    own.replace("/var/lib/chaos/monkey.journal", text(&journal))
}

async fn check(config: &Path, more: &[&str]) -> Ended {
    let arguments = ["monkey", "--config", text(config), "--check"];
    run(CHAOS, arguments.iter().chain(more)).await
}

#[tokio::test]
async fn the_example_is_sound() {
    let fleet = FleetProgram::start(3).await;
    let config = fleet.place("monkey.toml");
    fs::write(&config, example(&fleet)).unwrap();
    let ended = check(&config, &[]).await.with_code(0);
    assert!(ended.stdout.ends_with("monkey.toml is sound\n"), "{ended:#?}");
    assert!(!fleet.place("monkey.journal").exists());
}

/// The file in the README, for a fleet and a password of the test.
#[tokio::test]
async fn the_file_of_the_readme_is_sound() {
    let readme = include_str!("../../../README.md");
    let (_, file) = readme.split_once("checks that this file is sound -->\n```toml\n").unwrap();
    let (file, _) = file.split_once("```").unwrap();
    let fleet = FleetProgram::start(3).await;
    let file = file.replace("/tmp/web", text(&fleet.state()));
    let file = file.replace("/var/lib/chaos/monkey.journal", text(&fleet.place("monkey.journal")));
    let config = fleet.place("monkey.toml");
    fs::write(&config, file).unwrap();
    let mut command = command(CHAOS, ["monkey", "--config", text(&config), "--check"]);
    end(command.env("SMTP_PASSWORD", "hunter2").spawn().unwrap()).await.with_code(0);
}

#[tokio::test]
async fn the_schema_in_docs_is_that_of_the_program() {
    let schema = run(CHAOS, ["monkey", "--schema"]).await.with_code(0).stdout;
    let known = include_str!("../../../docs/monkey.schema.json");
    let advice = "write it again with: cargo chaos monkey --schema > docs/monkey.schema.json";
    // The clouds' providers and settings are in it only if they are built in.
    if cfg!(all(feature = "aws", feature = "azure", feature = "lab")) {
        // Both are long.
        assert!(schema == known, "{advice}");
    } else {
        let (schema, known): (serde_json::Value, serde_json::Value) =
            (serde_json::from_str(&schema).unwrap(), serde_json::from_str(known).unwrap());
        let tables = |schema: &serde_json::Value| schema["properties"].as_object().unwrap().len();
        assert_eq!(tables(&schema), tables(&known), "{advice}");
    }
}

/// Each key loses its last letter, or doubles it if there is only one.
#[tokio::test]
async fn every_key_of_the_example_misspelt_by_one_letter_is_refused_with_its_line_and_the_right_key() {
    let fleet = FleetProgram::start(3).await;
    let config = fleet.place("monkey.toml");
    let example = example(&fleet);
    let mut seen = BTreeSet::new();
    for (number, line) in example.lines().enumerate() {
        for (at, key) in keys(line) {
            let slip = if key.len() > 2 { key[..key.len() - 1].to_owned() } else { format!("{key}x") };
            let wrong = format!("{}{slip}{}", &line[..at], &line[at + key.len()..]);
            let text: Vec<&str> = example
                .lines()
                .enumerate()
                .map(|(other, line)| if other == number { &wrong } else { line })
                .collect();
            fs::write(&config, text.join("\n")).unwrap();
            let ended = check(&config, &[]).await.with_code(2);
            let place = format!("monkey.toml:{}:", number + 1);
            let told = ended.stderr.lines().any(|told| {
                told.contains(&place) && told.contains(&slip) && told.ends_with(&format!("expected {key}"))
            });
            assert!(told, "{wrong}: {ended:#?}");
            seen.insert(key.to_owned());
        }
    }
    assert!(seen.len() > 30, "{seen:?}");
}

/// The keys and the names of tables in a line, each with where it begins.
fn keys(line: &str) -> Vec<(usize, &str)> {
    let code = line.split(" #").next().unwrap();
    if code.trim_start().starts_with('#') {
        return Vec::new();
    }
    if let Some(start) = code.find(|letter| letter != '[').filter(|start| *start > 0) {
        let name = code[start..].split(']').next().unwrap();
        return vec![(start, name)];
    }
    let mut keys = Vec::new();
    for (at, _) in code.match_indices(" = ") {
        let begin = code[..at].rfind([' ', '{']).map_or(0, |before| before + 1);
        // Not within a text.
        if code[..at].matches('"').count().is_multiple_of(2) {
            keys.push((begin, &code[begin..at]));
        }
    }
    keys
}

#[tokio::test]
async fn what_is_wrong_is_one_clear_line_each() {
    let fleet = FleetProgram::start(3).await;
    let config = fleet.place("monkey.toml");
    fs::write(&config, example(&fleet)).unwrap();
    for (set, expected) in [
        ("calendar.zone=\"Europe/Berln\"", "invalid calendar.zone: \"Europe/Berln\""),
        ("calendar.holidays=[\"DE\", \"XX\"]", "invalid calendar.holidays[1]: \"XX\""),
        ("calendar.hours=\"9-15\"", "invalid calendar.hours"),
        ("calendar.blackouts=[\"soon\"]", "invalid calendar.blackouts[0]: \"soon\""),
        ("schedule.mean=nan", "invalid schedule.mean: NaN"),
        ("schedule.mean=0.5", "invalid schedule.mean: 0.5"),
        ("schedule.least=6", "invalid schedule.least: 6"),
        ("service.listen=\"9464\"", "invalid service.listen: \"9464\""),
        ("mode=\"unleash\"", "invalid mode: \"unleash\"; expected unleashed"),
        ("journal=\"/no/such/folder/j\"", "the journal's folder cannot be reached"),
        ("events=[]", "invalid events"),
        ("targets.allow=[]", "invalid targets.allow: an empty list"),
        ("keep=\"soon\"", "invalid keep: \"soon\""),
    ] {
        let ended = check(&config, &["--set", set]).await.with_code(2);
        assert_eq!(ended.stderr.lines().count(), 1, "{set}: {ended:#?}");
        assert!(ended.stderr.contains(expected), "{set}: {ended:#?}");
    }
    let missing = check(Path::new("/no/such/monkey.toml"), &[]).await.with_code(2);
    assert!(missing.stderr.starts_with("/no/such/monkey.toml: the file cannot be read"), "{missing:#?}");
    fs::write(
        &config,
        format!("{}\nmode = \"leashed\"\n", example(&fleet).replace("mode =", "mode = \"leashed\"\nmode =")),
    )
    .unwrap();
    let doubled = check(&config, &[]).await.with_code(2);
    assert!(doubled.stderr.contains("duplicate key"), "{doubled:#?}");
}
