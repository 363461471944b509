use std::{path::Path, sync::Arc, time::Duration};

use chaos_core::{ChaosEvent, Error, ErrorKind, Result};
use chaos_events::{CpuBurn, Reboot, Stop, Terminate};
use clap::{Args, ValueEnum};

use crate::{
    arguments::{count, duration, duration_text},
    program::quoted,
};

/// What to inject, and how much of it.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "What to inject")]
pub(super) struct EventArguments {
    /// What to inject
    #[arg(long, value_name = "NAME", value_enum, default_value_t = EventName::Terminate)]
    event: EventName,
    /// How long it is kept up, such as 5s or 1m; not for terminate and reboot, which are over at once
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    duration: Option<Duration>,
    /// cpu-burn: how much of each core, from 0.01 to 100; 80 if not given
    #[arg(long, value_name = "PERCENT")]
    load: Option<f64>,
    /// cpu-burn: how many cores; all if not given
    #[arg(long, value_name = "NUMBER", value_parser = count)]
    cores: Option<usize>,
}

/// A built-in event, by the name that plans and journals show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum EventName {
    /// Kill the target; its group replaces it
    Terminate,
    /// Halt the target for a while and let it run again
    Stop,
    /// Restart the target
    Reboot,
    /// Keep cores of the target's machine busy for a while
    CpuBurn,
}

/// One argument as it was given, and the events that it is for.
struct Given {
    name: &'static str,
    /// `None` for a flag.
    value: Option<String>,
    of: &'static [EventName],
}

impl EventName {
    const HELD: &'static [Self] = &[Self::Stop, Self::CpuBurn];

    fn as_str(self) -> &'static str {
        match self {
            Self::Terminate => "terminate",
            Self::Stop => "stop",
            Self::Reboot => "reboot",
            Self::CpuBurn => "cpu-burn",
        }
    }
}

impl EventArguments {
    /// The event, and the arguments that ask for it again.
    ///
    /// # Errors
    /// `InvalidInput` for a value out of its range, and for an argument of another event.
    pub(super) fn read(&self) -> Result<(Arc<dyn ChaosEvent>, String)> {
        let given = self.given();
        for argument in &given {
            if !argument.of.contains(&self.event) {
                let of: Vec<_> = argument.of.iter().map(|event| event.as_str()).collect();
                let expected =
                    format!("none with --event {}; it is for {}", self.event.as_str(), of.join(", "));
                return Err(Error::invalid(
                    argument.name,
                    argument.value.as_deref().unwrap_or("given"),
                    expected,
                ));
            }
        }
        let mut again = format!("--event {}", self.event.as_str());
        for Given { name, value, .. } in &given {
            again.push_str(&format!(" {name}"));
            if let Some(value) = value {
                again.push_str(&format!(" {}", quoted(Path::new(value))));
            }
        }
        Ok((self.event()?, again))
    }

    fn given(&self) -> Vec<Given> {
        let with_value =
            |name, value: Option<String>, of| value.map(|value| Given { name, value: Some(value), of });
        [
            with_value("--load", self.load.map(|load| load.to_string()), &[EventName::CpuBurn]),
            with_value("--cores", self.cores.map(|cores| cores.to_string()), &[EventName::CpuBurn]),
            with_value("--duration", self.duration.map(duration_text), EventName::HELD),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn event(&self) -> Result<Arc<dyn ChaosEvent>> {
        Ok(match self.event {
            EventName::Terminate => Arc::new(Terminate::default()),
            EventName::Reboot => Arc::new(Reboot::default()),
            EventName::Stop => match self.duration {
                None => Arc::new(Stop::default()),
                Some(duration) => {
                    Arc::new(named("--duration", duration_text(duration), Stop::lasting(duration))?)
                }
            },
            EventName::CpuBurn => {
                let mut burn = CpuBurn::default();
                if let Some(load) = self.load {
                    burn = named("--load", load, CpuBurn::load(load))?;
                }
                if let Some(cores) = self.cores {
                    burn = named("--cores", cores, burn.cores(cores))?;
                }
                Arc::new(self.held(burn, CpuBurn::lasting)?)
            }
        })
    }

    /// The event with the duration that was given, if any.
    fn held<E>(&self, event: E, lasting: impl FnOnce(E, Duration) -> Result<E>) -> Result<E> {
        match self.duration {
            None => Ok(event),
            Some(duration) => named("--duration", duration_text(duration), lasting(event, duration)),
        }
    }
}

/// Bad input by the name that it has on the command line. What the library says of it is kept.
fn named<T>(argument: &str, value: impl std::fmt::Display, result: Result<T>) -> Result<T> {
    result.map_err(|error| {
        let message = error.to_string();
        match (error.kind(), message.split_once("; expected ")) {
            (ErrorKind::InvalidInput, Some((_, expected))) => Error::invalid(argument, value, expected),
            _ => error,
        }
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        event: EventArguments,
    }

    fn read(line: &str) -> Result<(Arc<dyn ChaosEvent>, String)> {
        Line::try_parse_from(["drill"].into_iter().chain(line.split_whitespace())).unwrap().event.read()
    }

    #[test]
    fn the_arguments_say_the_same_again() {
        for line in [
            "--event terminate",
            "--event stop --duration 5s",
            "--event cpu-burn --load 60 --cores 1 --duration 5s",
        ] {
            let (event, again) = read(line).unwrap();
            assert_eq!(again, line);
            assert!(line.starts_with(&format!("--event {}", event.name())), "{line}");
        }
        assert_eq!(read("").unwrap().1, "--event terminate");
        assert_eq!(read("--event stop --duration 90s").unwrap().0.hold().duration(), Duration::from_secs(90));
    }

    #[test]
    fn the_names_are_those_of_the_events() {
        for name in EventName::value_variants() {
            let (event, _) = read(&format!("--event {}", name.as_str())).unwrap();
            assert_eq!(event.name(), name.as_str());
            assert_eq!(name.to_possible_value().unwrap().get_name(), name.as_str());
            assert_eq!(event.hold().is_momentary(), !EventName::HELD.contains(name));
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
        ] {
            let error = read(line).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{line}: {error}");
        }
    }
}
