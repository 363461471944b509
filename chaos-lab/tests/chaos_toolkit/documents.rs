//! Documents are read as PyYAML reads them, and hostile ones are refused by name, in bounded time and memory.

use std::fs;

use chaos_lab::document::{self, LARGEST};
use serde_json::{Value, json};

fn read(suffix: &str, text: &str) -> Result<Value, String> {
    let file = tempfile::Builder::new().suffix(suffix).tempfile().unwrap();
    fs::write(&file, text).unwrap();
    document::read(file.path()).map_err(|problem| problem.to_string())
}

#[test]
fn yaml_is_read_as_there() {
    let text = "a: yes\nb: off\nc: 0755\nd: 1_000\ne: [1, 'x', ~]\nbase: &base {k: 1, l: 2}\n\
        merged:\n  <<: *base\n  l: 3\n200: x\n\
        f: y\ng: [n, No, yEs, 'no', \"on\"]\nn: 3\non: 1\n";
    assert_eq!(
        read(".yml", text).unwrap(),
        json!({
            "a": true, "b": false, "c": 493, "d": 1000, "e": [1, "x", null], "base": { "k": 1, "l": 2 },
            "merged": { "l": 3, "k": 1 }, "200": "x", "f": "y", "g": ["n", false, "yEs", "no", "on"], "n": 3,
            "true": 1,
        })
    );
    // The order of a mapping is that of the file: arguments of a process are made of it.
    let ordered = read(".yaml", "z: 1\na: 2\nm: 3\n").unwrap();
    assert_eq!(ordered.as_object().unwrap().keys().collect::<Vec<_>>(), ["z", "a", "m"]);
}

#[test]
fn doubled_keys_unknown_tags_and_what_is_no_document_are_refused_with_their_place() {
    for (suffix, text, expected) in [
        (".json", "{\"a\": 1, \"b\": {\"a\": 1, \"a\": 2}}", &["\"a\" is there twice", "line 1"][..]),
        (".yaml", "a: 1\nb: 2\na: 3\n", &["duplicate", "a", "line 3"]),
        (".yaml", "a: !!python/object:os.system x\n", &["tag", "line 1"]),
        (".json", "{\"a\": 1", &["EOF", "line 1"]),
        (".yaml", "a: [1\n", &["line"]),
        (".yaml", "a: .inf\n", &["line 1"]),
        (".json", "title: a\n", &["JSON", "line 1"]),
    ] {
        let error = read(suffix, text).unwrap_err();
        assert!(expected.iter().all(|part| error.contains(part)), "{text:?}: {error}");
    }
    let missing = document::read("/nowhere/experiment.json".as_ref()).unwrap_err();
    assert_eq!(missing.path, "/nowhere/experiment.json");
    assert!(document::read("/dev/zero".as_ref()).unwrap_err().value.contains("no regular file"));
}

#[test]
fn bombs_depth_and_size_are_refused() {
    let aliases: String = (1..40)
        .map(|level| format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 9].join(", ")))
        .collect();
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let large = format!("a: {}\n", "x".repeat(usize::try_from(LARGEST).unwrap()));
    for (suffix, text) in [
        (".yaml", format!("a0: &a0 [lol]\n{aliases}")),
        (".yaml", deep.clone()),
        (".json", deep),
        (".yaml", large.clone()),
        (".json", large),
    ] {
        let error = read(suffix, &text).unwrap_err();
        assert!(error.len() < 1024, "{}", error.len());
    }
}
