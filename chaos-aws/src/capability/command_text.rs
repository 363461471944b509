//! The text of a command that Systems Manager passes to the instance's `sh`.

use std::fmt::Write as _;

use chaos_core::{Error, Result, capability::Script};

/// The search path of scripts, because the agent's own environment is unknown.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The longest command that is sent, in bytes. The service accepts a little more, including the envelope.
const LONGEST: usize = 64 * 1024;

/// The marker at the end of both outputs, before the exit status of the script.
const END: &str = "\nchaos-status=";

/// Runs the script in a shell of its own, with its parameters as quoted environment assignments, in `/`, with no input.
///
/// Its status is appended to both outputs, because an exit with 194 would make the agent reboot the instance, and one
/// with 137 would be reported as killed at its time limit. An output without the marker was truncated.
///
/// # Errors
/// `InvalidInput` if the script is too long to be sent.
pub(crate) fn command_text(script: &Script) -> Result<String> {
    let mut text = format!("cd / || exit 75\nenv -i PATH={} LC_ALL=C", quoted(PATH));
    for (name, value) in script.parameters() {
        let _ = write!(text, " {name}={}", quoted(value));
    }
    let _ = write!(
        text,
        " sh -c {} chaos-script </dev/null\n\
         status=$?\n\
         printf '{END}%s' \"$status\"\n\
         printf '{END}%s' \"$status\" >&2\n\
         [ \"$status\" -eq 0 ] || exit 1\n",
        quoted(script.source())
    );
    if text.len() > LONGEST {
        let expected = format!("at most {LONGEST} bytes with its parameters, quoted");
        return Err(Error::invalid("script", format!("{} bytes", text.len()), expected));
    }
    Ok(text)
}

/// The output of a script, and its exit status, from one of the outputs of a command; `None` if the end is missing.
pub(crate) fn without_end(output: &str) -> Option<(&str, i32)> {
    let (printed, end) = output.rsplit_once(END)?;
    // The agent adds a text if a command fails.
    let digits = end.find(|character: char| !character.is_ascii_digit()).unwrap_or(end.len());
    Some((printed, end[..digits].parse().ok()?))
}

/// A word for `sh`, in single quotes.
///
/// Systems Manager would replace two braces by a parameter before any shell sees the text, so the quotes end between
/// them and begin again.
pub(crate) fn quoted(text: &str) -> String {
    let mut word = String::with_capacity(text.len() + 2);
    word.push('\'');
    let mut before = None;
    for character in text.chars() {
        match (before, character) {
            (_, '\'') => word.push_str("'\\''"),
            (Some('{'), '{') | (Some('}'), '}') => {
                word.push_str("''");
                word.push(character);
            }
            (_, character) => word.push(character),
        }
        before = Some(character);
    }
    word.push('\'');
    word
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Output};

    use super::*;

    const SHELLS: [&str; 2] = ["sh", "dash"];

    fn run(shell: &str, script: &Script) -> Option<Output> {
        let text = command_text(script).unwrap();
        Command::new(shell).args(["-c", &text]).env("LEAKED", "from the agent").output().ok()
    }

    #[test]
    fn no_parameter_becomes_a_command_or_a_parameter_of_the_service() {
        let hostile = "a'b\"c `echo pasted` $(echo pasted) ; echo pasted | & > /dev/null \\ *\n\ttab {{ssm:secret}} \
            {{{ }}} ''";
        let script = Script::new("printf '%s' \"$word\"; printf '%s' \"{{x}}$LEAKED$(pwd)\" >&2");
        let script = script.parameter("word", hostile).unwrap();
        let text = command_text(&script).unwrap();
        assert!(!text.contains("{{") && !text.contains("}}"), "{text}");
        for output in SHELLS.iter().filter_map(|shell| run(shell, &script)) {
            let printed = String::from_utf8_lossy(&output.stdout);
            assert_eq!(without_end(&printed), Some((hostile, 0)));
            assert_eq!(without_end(&String::from_utf8_lossy(&output.stderr)), Some(("{{x}}/", 0)));
        }
    }

    #[test]
    fn the_status_comes_back_and_reboots_nothing() {
        for (source, expected) in [("exit 0", 0), ("exit 7", 7), ("exit 194", 194), ("kill -9 $$", 137)] {
            let output = run("sh", &Script::new(source)).unwrap();
            assert_eq!(output.status.code(), Some(i32::from(expected != 0)), "{source}");
            let printed = String::from_utf8_lossy(&output.stdout);
            assert_eq!(without_end(&printed), Some(("", expected)), "{source}");
        }
    }

    #[test]
    fn an_end_is_told_from_what_comes_before_and_after_it() {
        for (output, expected) in [
            ("a\n\nchaos-status=0", Some(("a\n", 0))),
            ("\nchaos-status=7failed to run commands: exit status 1", Some(("", 7))),
            ("\nchaos-status=7\nfailed to run commands: exit status 1", Some(("", 7))),
            ("x\nchaos-status=1\nchaos-status=2", Some(("x\nchaos-status=1", 2))),
            ("a\nchaos-sta", None),
            ("\nchaos-status=", None),
            ("", None),
        ] {
            assert_eq!(without_end(output), expected, "{output:?}");
        }
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let error = command_text(&Script::new("#".repeat(70_000))).unwrap_err().to_string();
        assert!(error.starts_with("invalid script: 70"), "{error}");
    }
}
