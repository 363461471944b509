use std::fmt::Write as _;

use super::{Output, Script};
use crate::error::{Error, Result};

/// The search path of scripts, because the agent's own environment is unknown.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The longest text that is sent, in bytes. Agents accept a little more.
const LONGEST: usize = 64 * 1024;

/// The markers before and after the output of a script, on either output; the exit status comes last.
const BEGIN: &str = "chaos-begin\n";
const END: &str = "\nchaos-status=";

/// Makes one text of a script and its parameters, for an agent that runs texts with `sh` and returns their output, such
/// as a cloud's Run Command.
///
/// The text runs the script in a shell of its own, in `/`, with no input, and with an environment of its parameters,
/// `LC_ALL=C` and a `PATH` with the usual places. It marks the start and the end of each output, and prints the exit
/// status last. [`Enclosed`] reads this back, and notices output that an agent has cut off.
///
/// ```
/// use chaos_core::capability::{Enclosed, Envelope, Output, Script};
///
/// let script = Script::new("echo \"$word\"; exit 7").parameter("word", "it's; reboot")?;
/// let text = Envelope::default().seal(&script)?;
/// let ran = std::process::Command::new("sh").args(["-c", &text]).output()?;
/// let (stdout, stderr) = (String::from_utf8(ran.stdout)?, String::from_utf8(ran.stderr)?);
/// assert_eq!(Enclosed::read(&stdout, &stderr), Enclosed::Whole(Output::new(7, "it's; reboot\n", "")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    kills: bool,
    fails: bool,
}

impl Envelope {
    /// Lets the program `timeout` kill the script at its time limit, in whole seconds, rounded up. Use it for agents
    /// that would let the script continue. The exit status is then 137.
    #[must_use]
    pub fn killing_at_limit(mut self) -> Self {
        self.kills = true;
        self
    }

    /// Lets the text exit with 1 if the script fails, so that the agent's own console shows a failure. It never exits
    /// with the script's own status, which may mean something else to an agent. Default: the text always succeeds.
    #[must_use]
    pub fn failing_with_the_script(mut self) -> Self {
        self.fails = true;
        self
    }

    /// The text that runs this script.
    ///
    /// # Errors
    /// `InvalidInput` if the text has more than 64 KiB.
    pub fn seal(self, script: &Script) -> Result<String> {
        let unable = if self.fails { 75 } else { 0 };
        let mut text = format!("cd / || exit {unable}\n");
        if self.kills {
            let _ = writeln!(
                text,
                "command -v timeout >/dev/null || {{ echo 'there is no timeout command' >&2; exit {unable}; }}"
            );
        }
        let begin = BEGIN.replace('\n', "\\n");
        let _ = write!(text, "printf '{begin}'\nprintf '{begin}' >&2\n");
        if self.kills {
            let limit = script.limit().as_secs_f64().ceil().max(1.0);
            let _ = write!(text, "timeout -s KILL {limit:.0} ");
        }
        let _ = write!(text, "env -i PATH={} LC_ALL=C", quoted(PATH));
        for (name, value) in script.parameters() {
            let _ = write!(text, " {name}={}", quoted(value));
        }
        let end = END.replace('\n', "\\n");
        let _ = write!(
            text,
            " sh -c {} chaos-script </dev/null\n\
             status=$?\n\
             printf '{end}%s' \"$status\"\n\
             printf '{end}%s' \"$status\" >&2\n",
            quoted(script.source())
        );
        text.push_str(if self.fails { "[ \"$status\" -eq 0 ] || exit 1" } else { "exit 0" });
        if text.len() > LONGEST {
            let expected = format!("at most {LONGEST} bytes with its parameters, quoted");
            return Err(Error::invalid("script", format!("{} bytes", text.len()), expected));
        }
        Ok(text)
    }
}

/// The output of a script that was sent in an [`Envelope`], as an agent returned it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Enclosed {
    /// The complete output of the script, and its exit status.
    Whole(Output),
    /// The script came to its end, but the agent has cut off the start of an output.
    WithoutBegin,
    /// The end of an output is missing: the agent has cut it off, or the script never began, or it was ended early.
    WithoutEnd,
}

impl Enclosed {
    /// Reads the two outputs of a text, without the text before the script's own output.
    pub fn read(stdout: &str, stderr: &str) -> Self {
        let (Some((stdout, status)), Some((stderr, _))) = (without_end(stdout), without_end(stderr)) else {
            return Self::WithoutEnd;
        };
        match (after_begin(stdout), after_begin(stderr)) {
            (Some(printed), Some(errors)) => Self::Whole(Output::new(status, printed, errors)),
            _ => Self::WithoutBegin,
        }
    }
}

/// The text after the first line that is the marker. Text before it is not from the script: for example, a shell may
/// warn about its locale when it starts.
fn after_begin(output: &str) -> Option<&str> {
    let starts_a_line = |index: &usize| *index == 0 || output[..*index].ends_with('\n');
    let (index, _) = output.match_indices(BEGIN).find(|(index, _)| starts_a_line(index))?;
    Some(&output[index + BEGIN.len()..])
}

/// The text before the end, and the status; `None` if the end is missing.
fn without_end(output: &str) -> Option<(&str, i32)> {
    let (printed, end) = output.rsplit_once(END)?;
    // Agents add a text if a command fails.
    let digits = end.find(|character: char| !character.is_ascii_digit()).unwrap_or(end.len());
    Some((printed, end[..digits].parse().ok()?))
}

/// A word for `sh`, in single quotes.
///
/// Systems Manager would replace two braces by a parameter before any shell sees the text, so the quotes end between
/// them and begin again.
///
/// ```
/// use chaos_core::capability::quoted;
///
/// assert_eq!(quoted("it's $(reboot)"), r"'it'\''s $(reboot)'");
/// ```
pub fn quoted(text: &str) -> String {
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
    use std::{
        process::{Command, Output as Ran},
        time::Duration,
    };

    use super::*;

    const SHELLS: [&str; 2] = ["sh", "dash"];

    fn ran(shell: &str, envelope: Envelope, script: &Script) -> Option<Ran> {
        let text = envelope.seal(script).unwrap();
        Command::new(shell).args(["-c", &text]).env("LEAKED", "from the agent").output().ok()
    }

    fn read(ran: &Ran) -> Enclosed {
        Enclosed::read(&String::from_utf8_lossy(&ran.stdout), &String::from_utf8_lossy(&ran.stderr))
    }

    #[test]
    fn no_parameter_becomes_a_command_or_a_parameter_of_the_service() {
        let hostile = "a'b\"c `echo pasted` $(echo pasted) ; echo pasted | & > /dev/null \\ *\n\ttab {{ssm:secret}} \
            {{{ }}} ''\n[stderr]\nx\n";
        let source = "printf '%s' \"$word\"; printf '%s' \"{{x}}$LEAKED$(pwd)$LC_ALL$0\" >&2";
        let script = Script::new(source).parameter("word", hostile).unwrap();
        for envelope in
            [Envelope::default(), Envelope::default().killing_at_limit().failing_with_the_script()]
        {
            let text = envelope.seal(&script).unwrap();
            assert!(!text.contains("{{") && !text.contains("}}"), "{text}");
            for ran in SHELLS.iter().filter_map(|shell| ran(shell, envelope, &script)) {
                let expected = Output::new(0, hostile, "{{x}}/Cchaos-script");
                assert_eq!(read(&ran), Enclosed::Whole(expected), "{envelope:?}");
            }
        }
    }

    #[test]
    fn the_status_comes_back_and_means_nothing_to_the_agent() {
        // Some shells report on stderr that a signal has ended a script.
        let status_of = |ran: &Ran| match read(ran) {
            Enclosed::Whole(output) => Some(output.status),
            _ => None,
        };
        for (source, status) in [("exit 0", 0), ("exit 7", 7), ("exit 194", 194), ("kill -9 $$", 137)] {
            let script = Script::new(source);
            let always = ran("sh", Envelope::default(), &script).unwrap();
            assert_eq!((always.status.code(), status_of(&always)), (Some(0), Some(status)), "{source}");
            let failing = ran("sh", Envelope::default().failing_with_the_script(), &script).unwrap();
            let shown = i32::from(status != 0);
            assert_eq!((failing.status.code(), status_of(&failing)), (Some(shown), Some(status)), "{source}");
        }
    }

    fn whole(status: i32) -> Enclosed {
        Enclosed::Whole(Output::new(status, "", ""))
    }

    #[test]
    fn a_script_is_killed_at_its_limit_with_its_children() {
        let script = Script::new("while :; do sleep 600; done").time_limit(Duration::from_millis(300));
        let ran = ran("sh", Envelope::default().killing_at_limit(), &script).unwrap();
        assert!(matches!(read(&ran), Enclosed::Whole(output) if output.status == 137), "{ran:?}");
    }

    #[test]
    fn what_was_cut_off_is_told_from_what_is_whole() {
        let end = "chaos-begin\n\nchaos-status=0";
        for (stdout, expected) in [
            ("chaos-begin\na\n\nchaos-status=0", Enclosed::Whole(Output::new(0, "a\n", ""))),
            ("chaos-begin\n\nchaos-status=7failed to run commands: exit status 1", whole(7)),
            ("chaos-begin\n\nchaos-status=7\nfailed to run commands: exit status 1", whole(7)),
            (
                "chaos-begin\nx\nchaos-status=1\nchaos-status=2",
                Enclosed::Whole(Output::new(2, "x\nchaos-status=1", "")),
            ),
            (
                "sh: warning\nchaos-begin\na\nchaos-begin\n\nchaos-status=0",
                Enclosed::Whole(Output::new(0, "a\nchaos-begin\n", "")),
            ),
            ("begin\na\nchaos-status=0", Enclosed::WithoutBegin),
            ("xchaos-begin\na\nchaos-status=0", Enclosed::WithoutBegin),
            ("a\nchaos-status=0", Enclosed::WithoutBegin),
            ("chaos-begin\na\nchaos-sta", Enclosed::WithoutEnd),
            ("chaos-begin\n\nchaos-status=", Enclosed::WithoutEnd),
            ("", Enclosed::WithoutEnd),
        ] {
            assert_eq!(Enclosed::read(stdout, end), expected, "{stdout:?}");
        }
        let warned =
            "sh: warning: setlocale: LC_ALL: cannot change locale (xx)\nchaos-begin\ne\nchaos-status=0";
        assert_eq!(Enclosed::read(end, warned), Enclosed::Whole(Output::new(0, "", "e")));
        assert_eq!(Enclosed::read(end, "chaos-begin\n"), Enclosed::WithoutEnd);
        assert_eq!(Enclosed::read(end, "x\nchaos-status=0"), Enclosed::WithoutBegin);
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let error = Envelope::default().seal(&Script::new("#".repeat(70_000))).unwrap_err().to_string();
        assert!(error.starts_with("invalid script: 70"), "{error}");
    }
}
