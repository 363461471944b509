//! The text of a command that Run Command passes to the machine's `sh`, and its result.

use std::time::Duration;

use chaos_core::{
    Error, ErrorKind, Result,
    capability::{Enclosed, Envelope, Output, Script},
};

/// The separators of the two outputs in the answer.
const STDOUT: &str = "[stdout]\n";
const STDERR: &str = "\n[stderr]\n";

/// The exit status of a script that was killed at its time limit.
const KILLED: i32 = 137;

/// The lines of a text that runs the script and kills it at its time limit, because Run Command itself waits for an
/// hour and a half. Run Command reports no exit status, takes any other than 0 for a failure of its own, and keeps only
/// the end of the output.
///
/// # Errors
/// `InvalidInput` if the script is too long to be sent.
pub(crate) fn command_lines(script: &Script) -> Result<Vec<String>> {
    let text = Envelope::default().killing_at_limit().seal(script)?;
    Ok(text.split('\n').map(str::to_owned).collect())
}

/// The output of a script, and its exit status, from the answer of Run Command.
///
/// # Errors
/// If it never started, was killed before its end, or has printed more than came back.
pub(crate) fn output(message: &str, limit: Duration) -> Result<Output> {
    let ended = |what| Error::new(ErrorKind::Unavailable, what).with("message", last_of(message));
    let Some((stdout, stderr)) =
        message.split_once(STDOUT).and_then(|(_, outputs)| outputs.rsplit_once(STDERR))
    else {
        return Err(ended("Run Command does not report the output of a script"));
    };
    match Enclosed::read(stdout, stderr) {
        Enclosed::Whole(output) if output.status == KILLED => {
            let what = "a script was killed: it took longer than its time limit, or something else ended it";
            Err(Error::new(ErrorKind::Timeout, what).with("limit", format_args!("{limit:?}")))
        }
        Enclosed::Whole(output) => Ok(output),
        Enclosed::WithoutBegin => {
            Err(Error::new(ErrorKind::Other, "a script printed too much").with("most", "about 4,000 bytes"))
        }
        _ => Err(ended("a script never started, or was killed before its end")),
    }
}

fn last_of(message: &str) -> &str {
    let skipped = message.len().saturating_sub(200);
    let start = (skipped..=message.len()).find(|index| message.is_char_boundary(*index));
    &message[start.unwrap_or_default()..]
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    /// Runs it as the agent does, from a file with the lines that were sent. Run Command keeps the last of each output.
    fn run(shell: &str, script: &Script) -> Option<Result<Output>> {
        let text = command_lines(script).unwrap().join("\n");
        let output = Command::new(shell).args(["-c", &text]).env("LEAKED", "from the agent").output().ok()?;
        assert_eq!(output.status.code(), Some(0), "Run Command calls another status a failure of its own");
        let kept = |output: &[u8]| {
            String::from_utf8_lossy(&output[output.len().saturating_sub(4096)..]).into_owned()
        };
        let message = format!(
            "Enable succeeded: \n[stdout]\n{}\n[stderr]\n{}\n",
            kept(&output.stdout),
            kept(&output.stderr)
        );
        Some(super::output(&message, script.limit()))
    }

    #[test]
    fn no_parameter_becomes_a_command() {
        let hostile =
            "a'b\"c `echo pasted` $(echo pasted) ; echo pasted | & > /dev/null \\ *\n\ttab \n[stderr]\nx\n";
        let script = Script::new("printf '%s' \"$word\"; printf '%s' \"$LEAKED$(pwd)$LC_ALL$0\" >&2");
        let script = script.parameter("word", hostile).unwrap();
        for shell in ["sh", "dash"] {
            if let Some(output) = run(shell, &script) {
                assert_eq!(output.unwrap(), Output::new(0, hostile, "/Cchaos-script"));
            }
        }
    }

    #[test]
    fn the_status_comes_back() {
        for (source, expected) in [("exit 0", 0), ("exit 7", 7), ("exit 194", 194)] {
            let output = run("sh", &Script::new(source)).unwrap().unwrap();
            assert_eq!((output.status, output.stdout.as_str()), (expected, ""), "{source}");
        }
    }

    #[test]
    fn a_script_is_killed_at_its_limit_with_its_children() {
        let script = Script::new("while :; do sleep 600; done").time_limit(Duration::from_millis(300));
        let error = run("sh", &script).unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    }

    #[test]
    fn what_was_cut_short_is_an_error() {
        for source in ["head -c 4097 /dev/zero | tr '\\0' x", "head -c 4080 /dev/zero | tr '\\0' x >&2"] {
            let error = run("sh", &Script::new(source)).unwrap().unwrap_err();
            assert!(error.to_string().contains("printed too much"), "{error}");
        }
        let long = "x".repeat(4000);
        let output = run("sh", &Script::new(format!("printf {long}"))).unwrap().unwrap();
        assert_eq!(output.stdout, long);
    }

    #[test]
    fn what_never_began_is_an_error() {
        for message in [
            "",
            "Enable failed",
            "Enable succeeded: \n[stdout]\n\n[stderr]\nthere is no timeout command\n",
            "Enable succeeded: \n[stdout]\nchaos-begin\n\n[stderr]\nchaos-begin\n",
        ] {
            let error = output(message, LIMIT).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{message:?}");
        }
        let error = output("Enable succeeded: \n[stdout]\n\n[stderr]\nthere is no timeout command\n", LIMIT);
        assert!(error.unwrap_err().to_string().contains("there is no timeout command"));
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let error = command_lines(&Script::new("#".repeat(70_000))).unwrap_err().to_string();
        assert!(error.starts_with("invalid script: 70"), "{error}");
    }
}
