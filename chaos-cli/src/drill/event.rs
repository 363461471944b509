use std::{ffi::OsStr, fs};

use chaos_core::{
    Error, Result,
    catalogue::{EventCatalogue, NamedEvent, Naming},
};
use clap::{
    Arg, ArgMatches, Args, Command, FromArgMatches,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use serde_json::{Map, Value};

use super::{
    given::{Given, command_line},
    parameters,
};

/// The argument that names the event.
const EVENT: &str = "event";
/// The prefix of the ids of arguments that are parameters of events.
const PARAMETER: &str = "event.";
const HEADING: &str = "Event";
/// The default event.
const USUAL: &str = "terminate";

/// The requested event and its parameters, as they were given. The catalogue of events checks them.
#[derive(Clone, Debug)]
pub(super) struct EventArguments {
    event: String,
    parameters: Map<String, Value>,
}

impl EventArguments {
    /// `command` with an argument for every parameter of these events.
    ///
    /// If a parameter has the name of another argument of the drill, it can only be given as data.
    pub(super) fn of(command: Command, events: &EventCatalogue) -> Command {
        let names: Vec<PossibleValue> = events
            .specs()
            .map(|spec| PossibleValue::new(spec.name.clone()).help(spec.about.clone()))
            .collect();
        let has_usual = events.specs().any(|spec| spec.name == USUAL);
        let command = command.mut_arg(EVENT, |arg| {
            let arg = arg.value_parser(NameOrData(PossibleValuesParser::new(names)));
            if has_usual { arg.default_value(USUAL) } else { arg.required(true) }
        });
        let specs = events.specs().map(|spec| (spec.name.as_str(), &spec.parameters.parameters[..]));
        parameters::by_name(specs).into_iter().fold(command, |command, (name, of)| {
            parameters::with(command, parameters::argument(PARAMETER, &name, &of).help_heading(HEADING))
        })
    }

    /// The event, and the arguments that ask for it again.
    ///
    /// # Errors
    /// `InvalidInput` for an unknown event, a value out of its range, and a parameter of another event.
    pub(super) fn read(&self, events: &EventCatalogue) -> Result<(NamedEvent, String)> {
        let Some(data) = self.data()? else {
            let event = events.event(&self.event, &self.parameters, Naming::Arguments)?;
            let again = format!("--event {}{}", event.name(), command_line(&Given::all(event.arguments())));
            return Ok((event, again));
        };
        if let Some((name, value)) = self.parameters.iter().next() {
            return Err(Error::invalid(
                format!("--{name}"),
                value,
                "none with an event that is given as JSON",
            ));
        }
        let event = events.decode(&data)?;
        let data = event.to_value().to_string();
        Ok((event, command_line(&[Given::new("--event", data)]).trim_start().to_owned()))
    }

    /// The event as JSON, if it was given like that.
    fn data(&self) -> Result<Option<Value>> {
        let text = match self.event.strip_prefix('@') {
            Some(file) => fs::read_to_string(file).map_err(|error| {
                Error::invalid("--event", format!("{:?}", self.event), "a file that can be read")
                    .caused_by(error)
            })?,
            None if self.event.starts_with('{') => self.event.clone(),
            None => return Ok(None),
        };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            let expected = r#"JSON such as {"name": "stop", "duration": "5s"}"#;
            Error::invalid("--event", format!("{:?}", self.event), expected).caused_by(error)
        })
    }
}

/// Only the argument that names the event. The others come [from the catalogue](EventArguments::of).
impl Args for EventArguments {
    fn augment_args(command: Command) -> Command {
        command.next_help_heading(HEADING).arg(Arg::new(EVENT).long(EVENT).value_name("NAME").help(
            "The event to inject: a name, a JSON object with its name and parameters, or @FILE with one",
        ))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for EventArguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let event = matches.get_one::<String>(EVENT).cloned().unwrap_or_default();
        Ok(Self { event, parameters: parameters::given(matches, PARAMETER) })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Reads the name of an event. Lets JSON and the name of a file pass.
#[derive(Clone, Debug)]
struct NameOrData(PossibleValuesParser);

impl TypedValueParser for NameOrData {
    type Value = String;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        match value.to_str() {
            Some(text) if text.starts_with(['{', '@']) => Ok(text.to_owned()),
            _ => self.0.parse_ref(command, arg, value),
        }
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        self.0.possible_values()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn read(line: &str) -> Result<(NamedEvent, String)> {
        read_words(&line.split_whitespace().collect::<Vec<_>>())
    }

    fn read_words(words: &[&str]) -> Result<(NamedEvent, String)> {
        let events = chaos_events::catalogue();
        let command = EventArguments::of(EventArguments::augment_args(Command::new("drill")), &events);
        let words = ["drill"].into_iter().chain(words.iter().copied());
        let matches = command.try_get_matches_from(words).unwrap();
        EventArguments::from_arg_matches(&matches).unwrap().read(&events)
    }

    #[test]
    fn the_arguments_say_the_same_again() {
        for line in [
            "--event terminate",
            "--event stop --duration 5s",
            "--event cpu-burn --load 60 --cores 1 --duration 5s",
            "--event disk-fill --path /tmp --all-but 4096",
            "--event network-blackhole --ports 8080,9000-9010 --protocol udp --allow a.example",
            "--event network-blackhole --all --direction egress",
        ] {
            let (event, again) = read(line).unwrap();
            assert_eq!(again.replace('\'', ""), line);
            assert!(line.starts_with(&format!("--event {}", event.event().name())), "{line}");
        }
        assert_eq!(read("").unwrap().1, "--event terminate");
        let (stop, _) = read("--event stop --duration 90s").unwrap();
        assert_eq!(stop.event().hold().duration(), Duration::from_secs(90));
        let (fill, _) = read("--event disk-fill --path here --bytes 2GiB").unwrap();
        let here = std::path::absolute("here").unwrap();
        assert_eq!(fill.arguments().text("path").unwrap(), here.to_str());
    }

    #[test]
    fn an_event_is_read_from_json_and_from_a_file() {
        let json = r#"{"name": "cpu-burn", "load": 60, "duration": "90s"}"#;
        let (event, again) = read_words(&["--event", json]).unwrap();
        assert_eq!(event.event().hold().duration(), Duration::from_secs(90));
        let data = again.strip_prefix("--event '").and_then(|data| data.strip_suffix('\'')).unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data, serde_json::json!({ "duration": "1m30s", "load": 60, "name": "cpu-burn" }));
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, json).unwrap();
        let file = format!("@{}", file.path().display());
        assert_eq!(read_words(&["--event", &file]).unwrap().1, again);

        for (words, expected) in [
            (&["--event", "{"][..], r#"invalid --event: "{"; expected JSON"#),
            (&["--event", "@/missing"], r#"invalid --event: "@/missing"; expected a file"#),
            (&["--event", "{}"], "invalid name: null; expected the name of an event"),
            (
                &["--event", r#"{"name": "stop"}"#, "--duration", "5s"],
                r#"invalid --duration: "5s"; expected none with an event that is given as JSON"#,
            ),
        ] {
            let error = read_words(words).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn nonsense_names_the_argument_the_value_and_what_would_be_right() {
        for (line, expected) in [
            ("--duration 5s", "invalid --duration: 5s; expected none with --event terminate; it is for stop"),
            ("--event reboot --duration 5s", "invalid --duration: 5s; expected none with --event reboot"),
            (
                "--event stop --duration 0s",
                "invalid --duration: 0s; expected more than zero and at most 12 hours",
            ),
            (
                "--event stop --duration 13h",
                "invalid --duration: 13h; expected more than zero and at most 12 hours",
            ),
            (
                "--event stop --load 5",
                "invalid --load: 5; expected none with --event stop; it is for cpu-burn",
            ),
            ("--event cpu-burn --load 0", "invalid --load: 0; expected from 0.01 to 100 percent of a core"),
            ("--event cpu-burn --load 101", "invalid --load: 101;"),
            ("--event cpu-burn --load NaN", "invalid --load: NaN;"),
            ("--event cpu-burn --cores 0", "invalid --cores: 0; expected at least 1"),
            ("--event cpu-burn --duration 13h", "invalid --duration: 13h;"),
            (
                "--all",
                "invalid --all: given; expected none with --event terminate; it is for network-blackhole",
            ),
            ("--event disk-fill", "invalid --path: none;"),
            (
                "--event disk-fill --path /tmp",
                "invalid --percent: none; expected --percent, --bytes or --all-but",
            ),
            ("--event disk-fill --path /tmp --percent 101", "invalid --percent: 101;"),
            ("--event disk-fill --path /tmp --bytes 0", "invalid --bytes: 0;"),
            (
                "--event disk-fill --path /tmp --bytes 1 --percent 1",
                "invalid --bytes: 1; expected none with --percent",
            ),
            (
                "--event network-blackhole",
                "invalid --all: none; expected --all, --hosts, --ports or --dns with network-blackhole",
            ),
            (
                "--event network-blackhole --all --protocol udp",
                "invalid --protocol: udp; expected none without --ports",
            ),
            ("--event network-blackhole --hosts=-x", "invalid --hosts: "),
            ("--event network-blackhole --all --allow a..b", "invalid --allow: "),
        ] {
            let error = read(line).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{line}: {error}");
        }
    }
}
