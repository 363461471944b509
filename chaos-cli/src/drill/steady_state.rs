use std::time::Duration;

use chaos_core::{Error, Result, SteadyState, Tolerance};
use chaos_probes::{Command, Http};
use clap::Args;

use super::given::Given;

/// What normal is, for a drill that is an experiment.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Steady state")]
pub(super) struct SteadyArguments {
    /// A request to this URL must be answered with a status from 200 to 299, before, during and after the fault. If it
    /// is not, nothing is injected, or the fault ends at once. May be repeated
    #[arg(long, value_name = "URL")]
    steady_http: Vec<String>,
    /// This program must exit with 0 within 4 seconds, in the same way. Quotes keep words together; there is no shell.
    /// May be repeated
    #[arg(long, value_name = "WORDS")]
    steady_command: Vec<String>,
    /// The hypothesis of the drill, in a sentence, for reports and announcements
    #[arg(long, value_name = "TEXT")]
    hypothesis: Option<String>,
}

impl SteadyArguments {
    /// The steady state that is asked for, if one is, for a drill with this event.
    ///
    /// # Errors
    /// `InvalidInput` for a hypothesis without a probe, and what the probes refuse.
    pub(super) fn read(&self, event: &str) -> Result<Option<SteadyState>> {
        if self.steady_http.is_empty() && self.steady_command.is_empty() {
            return match &self.hypothesis {
                None => Ok(None),
                Some(text) => {
                    let expected = "a hypothesis together with --steady-http or --steady-command";
                    Err(Error::invalid("--hypothesis", format!("{text:?}"), expected))
                }
            };
        }
        let hypothesis = match &self.hypothesis {
            Some(text) => text.clone(),
            None => format!("The system stays steady despite {event}"),
        };
        let mut steady = SteadyState::new(hypothesis);
        for (index, url) in self.steady_http.iter().enumerate() {
            let name = numbered("http", index, self.steady_http.len());
            steady = steady.probe(name, Http::get(url), Tolerance::between(200, 299));
        }
        for (index, text) in self.steady_command.iter().enumerate() {
            let name = numbered("command", index, self.steady_command.len());
            // Silence is a violation: a customer who waits is not served.
            let command = Command::new(words(text)?).answering_within(LIMIT);
            steady = steady.probe(name, command, 0);
        }
        steady.check()?;
        Ok(Some(steady))
    }

    /// The arguments as they were given.
    pub(super) fn given(&self) -> Vec<Given> {
        let urls = self.steady_http.iter().map(|url| Given::new("--steady-http", url));
        let commands = self.steady_command.iter().map(|words| Given::new("--steady-command", words));
        urls.chain(commands).chain(Given::some("--hypothesis", self.hypothesis.as_ref())).collect()
    }
}

/// How long a command may take. Shorter than the time limit of a look, whose end would be a doubt.
const LIMIT: Duration = Duration::from_secs(4);

/// The name of a probe in reports: `http`, or `http 2` if there are several.
fn numbered(kind: &str, index: usize, of: usize) -> String {
    if of == 1 { kind.to_owned() } else { format!("{kind} {}", index + 1) }
}

fn words(text: &str) -> Result<Vec<String>> {
    shlex::split(text).ok_or_else(|| {
        let expected = "words, with every quote closed";
        Error::invalid("--steady-command", format!("{text:?}"), expected)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Option<SteadyState>> {
        #[derive(clap::Parser)]
        struct Only {
            #[command(flatten)]
            steady: SteadyArguments,
        }
        let words = ["drill"].iter().chain(words);
        <Only as clap::Parser>::try_parse_from(words).unwrap().steady.read("stop")
    }

    #[test]
    fn a_steady_state_is_read_or_the_mistake_is_named() {
        assert!(read(&[]).unwrap().is_none());
        let words = ["--steady-http", "http://127.0.0.1:1/", "--steady-http", "http://127.0.0.1:2/"];
        let steady = read(&words).unwrap().unwrap();
        assert_eq!(steady.hypothesis(), "The system stays steady despite stop");
        let words = ["--steady-command", "sh -c 'exit 0'", "--hypothesis", "It holds"];
        let steady = read(&words).unwrap().unwrap();
        assert_eq!(steady.hypothesis(), "It holds");
        assert!(format!("{steady:?}").contains(r#"["sh", "-c", "exit 0"]"#), "{steady:?}");
        for (words, expected) in [
            (
                ["--hypothesis", "It holds"],
                "invalid --hypothesis: \"It holds\"; expected a hypothesis together with --steady-http",
            ),
            (
                ["--steady-http", "localhost"],
                "invalid url of \"http\": \"localhost\"; expected an absolute URL",
            ),
            (["--steady-command", "sh -c 'a"], "invalid --steady-command: \"sh -c 'a\"; expected words"),
            (["--steady-command", " "], "invalid command of \"command\": []; expected a program"),
        ] {
            let error = read(&words).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
