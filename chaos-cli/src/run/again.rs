use std::path::{Path, PathBuf};

use crate::program::quoted;

/// The command line that runs one file again as it was run: with the same options, but without other files, and without
/// what only says where results go.
pub(super) fn command(arguments: impl IntoIterator<Item = String>, files: &[PathBuf], file: &Path) -> String {
    let mut words = vec!["chaos run".to_owned(), quoted(file)];
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let (name, value) = match argument.split_once('=') {
            Some((name, _)) if name.starts_with("--") => (name.to_owned(), true),
            _ => (argument.clone(), false),
        };
        match name.as_str() {
            "--report" | "--journal" | "--journal-path" => {
                if !value {
                    arguments.next();
                }
            }
            "--json" | "--keep-going" | "--" => {}
            name if name.starts_with('-') => {
                words.push(quoted(Path::new(&argument)));
                if !value && takes_a_value(name) {
                    words.extend(arguments.next().map(|value| quoted(Path::new(&value))));
                }
            }
            _ if files.iter().any(|file| file.as_os_str() == argument.as_str()) => {}
            _ => words.push(quoted(Path::new(&argument))),
        }
    }
    words.join(" ")
}

fn takes_a_value(name: &str) -> bool {
    !matches!(name, "--check" | "--compat" | "--no-validation" | "--without-controls" | "--fail-fast")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_is_run_again_with_the_same_options() {
        let given = "a.yaml --report r.html --json --fail-fast --var a=b --hypothesis-frequency=0.1 --journal x b.yaml \
                     --report=r.md --keep-going --var a.yaml=c";
        let files = [PathBuf::from("a.yaml"), PathBuf::from("b.yaml")];
        let command = command(given.split_whitespace().map(str::to_owned), &files, Path::new("b.yaml"));
        assert_eq!(
            command,
            "chaos run b.yaml --fail-fast --var 'a=b' '--hypothesis-frequency=0.1' --var 'a.yaml=c'"
        );
    }
}
