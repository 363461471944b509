use chaos_core::{Error, ErrorKind, Result, Scope, capability::Output};

/// The answer of a script: names and values, in order of arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    event: &'static str,
    lines: Vec<(String, String)>,
}

impl Answer {
    /// Reads the output of one step of an event's script.
    ///
    /// # Errors
    /// With the script's own reason if its exit status is not zero.
    pub(super) fn read(event: &'static str, step: &'static str, output: Output) -> Result<Self> {
        let reason = output.stderr.trim();
        let reason = if reason.is_empty() { "the script gave no reason" } else { reason };
        let kind = match output.status {
            0 => {
                let lines = output.stdout.lines().filter_map(|line| line.split_once('='));
                let lines = lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                return Ok(Self { event, lines });
            }
            64 => ErrorKind::InvalidInput,
            69 => ErrorKind::Unsupported,
            75 => ErrorKind::Unavailable,
            77 => ErrorKind::Denied,
            _ => ErrorKind::Other,
        };
        let error = Error::new(kind, reason.to_owned())
            .with("event", event)
            .with("step", step)
            .with("exit status", output.status);
        // The script itself has found that it can never succeed from here, as this user.
        Err(if matches!(output.status, 64 | 77) { error.finally() } else { error })
    }

    /// The first value with this name.
    ///
    /// # Errors
    /// If there is none. Then the effect of the script is in doubt.
    pub(crate) fn text(&self, name: &'static str) -> Result<&str> {
        self.all(name).next().ok_or_else(|| self.broken(name, "nothing"))
    }

    /// The first value with this name, as a number.
    ///
    /// # Errors
    /// As [`text`](Answer::text), and if it is not a number.
    pub(crate) fn parse<N: std::str::FromStr>(&self, name: &'static str) -> Result<N> {
        let text = self.text(name)?;
        text.parse().map_err(|_| self.broken(name, text))
    }

    /// Every value with this name.
    pub(crate) fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.lines.iter().filter(move |(found, _)| found.as_str() == name).map(|(_, value)| value.as_str())
    }

    /// Reports every note of the script.
    pub(crate) fn tell_notes(&self, scope: &Scope) {
        for note in self.all("note") {
            scope.note(note);
        }
    }

    fn broken(&self, name: &str, found: &str) -> Error {
        Error::new(ErrorKind::Other, "the script on the target did not answer as expected")
            .with("event", self.event)
            .with("expected", name)
            .with("found", format!("{found:?}"))
    }
}
