//! The documents agree with the code.

/// The README quotes the integration test of ten lines word for word.
#[test]
fn the_readme_quotes_the_test_that_runs() {
    let test = include_str!("ten_lines.rs");
    let imports = test.find("use ").expect("the test imports something");
    let attribute = test.find("#[tokio::test]").expect("the test begins with its attribute");
    let readme = include_str!("../../../README.md");
    for quoted in [test[imports..attribute].trim(), &test[attribute..]] {
        assert!(
            readme.contains(quoted),
            "chaos-cli/tests/programs/ten_lines.rs has this, and README.md has not:\n{quoted}"
        );
    }
}

/// Every command that the README tells a reader to type exists.
#[test]
fn the_commands_of_the_readme_exist() {
    let aliases = include_str!("../../../.cargo/config.toml");
    let readme = include_str!("../../../README.md");
    let commands: Vec<&str> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("cargo "))
        .filter_map(|rest| rest.split_whitespace().next())
        .collect();
    assert!(commands.len() >= 5, "{commands:?}");
    for command in commands {
        assert!(
            aliases.contains(&format!("{command} = ")),
            "`cargo {command}` is no alias of this repository"
        );
    }
}
