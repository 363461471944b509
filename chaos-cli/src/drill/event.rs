use std::{
    fmt,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use bytesize::ByteSize;
use chaos_core::{ChaosEvent, Error, ErrorKind, Result};
use chaos_events::{
    Allowed, CpuBurn, Direction, DiskFill, NetworkBlackhole, Protocol, Reboot, Stop, Terminate,
};
use clap::{Args, ValueEnum};

use super::given::{Given, command_line};
use crate::arguments::{count, duration, duration_text, size};

/// What to inject, and how much of it.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "What to inject")]
pub(super) struct EventArguments {
    /// What to inject
    #[arg(long, value_name = "NAME", value_enum, default_value_t = EventName::Terminate)]
    event: EventName,
    /// How long the fault is held, such as 5s; 1m by default. Not for terminate and reboot, which are over at once
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    duration: Option<Duration>,
    /// cpu-burn: how much of each core, from 0.01 to 100; 80 by default
    #[arg(long, value_name = "PERCENT")]
    load: Option<f64>,
    /// cpu-burn: the number of cores; all by default
    #[arg(long, value_name = "NUMBER", value_parser = count)]
    cores: Option<usize>,
    /// disk-fill: a directory on the file system to fill
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
    /// disk-fill: fill until this much of the file system is in use, as df shows it
    #[arg(long, value_name = "PERCENT", group = "amount")]
    percent: Option<f64>,
    /// disk-fill: fill this much, such as 500MB or 2GiB
    #[arg(long, value_name = "SIZE", group = "amount", value_parser = size)]
    bytes: Option<ByteSize>,
    /// disk-fill: fill all but this much
    #[arg(long, value_name = "SIZE", group = "amount", value_parser = size)]
    all_but: Option<ByteSize>,
    /// disk-fill: always keep this much free; 64MiB by default
    #[arg(long, value_name = "SIZE", value_parser = size)]
    keep_free: Option<ByteSize>,
    /// network-blackhole: all traffic of the target; for a process of this machine, all traffic of the ports on which
    /// it listens
    #[arg(long, group = "traffic")]
    all: bool,
    /// network-blackhole: traffic with these hosts, such as 10.0.0.0/8,db.example
    #[arg(long, value_name = "HOSTS", value_delimiter = ',', group = "traffic")]
    hosts: Vec<String>,
    /// network-blackhole: traffic to these ports, such as 8080,9000-9010
    #[arg(long, value_name = "PORTS", value_delimiter = ',', group = "traffic")]
    ports: Vec<PortRange>,
    /// network-blackhole: DNS
    #[arg(long, group = "traffic")]
    dns: bool,
    /// network-blackhole: the protocol of --ports; both by default
    #[arg(long, value_name = "NAME", value_enum)]
    protocol: Option<ProtocolName>,
    /// network-blackhole: only packets in this direction
    #[arg(long, value_name = "WAY", value_enum)]
    direction: Option<DirectionName>,
    /// network-blackhole: let traffic with these hosts through
    #[arg(long, value_name = "HOSTS", value_delimiter = ',')]
    allow: Vec<String>,
}

/// One port or several in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PortRange(RangeInclusive<u16>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ProtocolName {
    Tcp,
    Udp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DirectionName {
    /// To the target
    Ingress,
    /// From the target
    Egress,
}

/// A built-in event, by the name that plans and journals show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum EventName {
    /// Kill the target; its group replaces it
    Terminate,
    /// Stop the target for a while, and start it again
    Stop,
    /// Restart the target
    Reboot,
    /// Keep cores of the target's machine busy for a while
    CpuBurn,
    /// Fill one of the file systems of the target's machine for a while
    DiskFill,
    /// Drop traffic of the target for a while; needs root
    NetworkBlackhole,
}

impl EventName {
    const HELD: &'static [Self] = &[Self::Stop, Self::CpuBurn, Self::DiskFill, Self::NetworkBlackhole];

    fn as_str(self) -> &'static str {
        match self {
            Self::Terminate => "terminate",
            Self::Stop => "stop",
            Self::Reboot => "reboot",
            Self::CpuBurn => "cpu-burn",
            Self::DiskFill => "disk-fill",
            Self::NetworkBlackhole => "network-blackhole",
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
        for (argument, events) in &given {
            if !events.contains(&self.event) {
                let of: Vec<_> = events.iter().map(|event| event.as_str()).collect();
                let expected =
                    format!("none with --event {}; it is for {}", self.event.as_str(), of.join(", "));
                return Err(Error::invalid(
                    argument.name,
                    argument.value.as_deref().unwrap_or("given"),
                    expected,
                ));
            }
        }
        let given = command_line(given.iter().map(|(argument, _)| argument));
        Ok((self.event()?, format!("--event {}{given}", self.event.as_str())))
    }

    /// The arguments as they were given, each with the events that it is for.
    fn given(&self) -> Vec<(Given, &'static [EventName])> {
        const BURN: &[EventName] = &[EventName::CpuBurn];
        const FILL: &[EventName] = &[EventName::DiskFill];
        const BLACKHOLE: &[EventName] = &[EventName::NetworkBlackhole];
        let with_value = |name, value: Option<String>, of| value.map(|value| (Given::new(name, value), of));
        let size = |size: Option<ByteSize>| size.map(|size| size.as_u64().to_string());
        let list = |words: Vec<String>| (!words.is_empty()).then(|| words.join(","));
        let flag = |name, is_given: bool| is_given.then_some((Given::flag(name), BLACKHOLE));
        let ports = self.ports.iter().map(PortRange::to_string).collect();
        let (protocol, direction) = (self.protocol.map(name_of), self.direction.map(name_of));
        [
            with_value("--load", self.load.map(|load| load.to_string()), BURN),
            with_value("--cores", self.cores.map(|cores| cores.to_string()), BURN),
            with_value("--path", self.path.as_deref().map(absolute), FILL),
            with_value("--percent", self.percent.map(|percent| percent.to_string()), FILL),
            with_value("--bytes", size(self.bytes), FILL),
            with_value("--all-but", size(self.all_but), FILL),
            with_value("--keep-free", size(self.keep_free), FILL),
            flag("--all", self.all),
            with_value("--hosts", list(self.hosts.clone()), BLACKHOLE),
            with_value("--ports", list(ports), BLACKHOLE),
            flag("--dns", self.dns),
            with_value("--protocol", protocol, BLACKHOLE),
            with_value("--direction", direction, BLACKHOLE),
            with_value("--allow", list(self.allow.clone()), BLACKHOLE),
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
            EventName::DiskFill => Arc::new(self.held(self.disk_fill()?, DiskFill::lasting)?),
            EventName::NetworkBlackhole => {
                Arc::new(self.held(self.network_blackhole()?, NetworkBlackhole::lasting)?)
            }
        })
    }

    fn disk_fill(&self) -> Result<DiskFill> {
        let Some(given) = &self.path else {
            return Err(Error::invalid(
                "--path",
                "none",
                "a directory on the file system that disk-fill is to fill",
            ));
        };
        if given.to_str().is_none() {
            return Err(Error::invalid("--path", format!("{given:?}"), "a directory with a name in UTF-8"));
        }
        let path = absolute(given);
        let fill = match (self.percent, self.bytes, self.all_but) {
            (Some(percent), _, _) => named("--percent", percent, DiskFill::up_to_percent(path, percent)),
            (_, Some(bytes), _) => named("--bytes", bytes.as_u64(), DiskFill::bytes(path, bytes.as_u64())),
            (_, _, Some(bytes)) => {
                named("--all-but", bytes.as_u64(), DiskFill::all_but(path, bytes.as_u64()))
            }
            _ => Err(Error::invalid("--percent", "none", "--percent, --bytes or --all-but with disk-fill")),
        }?;
        Ok(match self.keep_free {
            Some(bytes) => fill.keeping_free(bytes.as_u64()),
            None => fill,
        })
    }

    fn network_blackhole(&self) -> Result<NetworkBlackhole> {
        if let (Some(protocol), []) = (self.protocol, &self.ports[..]) {
            return Err(Error::invalid("--protocol", name_of(protocol), "none without --ports"));
        }
        let hosts = |hosts: &[String]| hosts.join(",");
        let mut blackhole = if self.all {
            NetworkBlackhole::everything()
        } else if self.dns {
            NetworkBlackhole::dns()
        } else if !self.hosts.is_empty() {
            named("--hosts", hosts(&self.hosts), NetworkBlackhole::hosts(&self.hosts))?
        } else if !self.ports.is_empty() {
            let ports: Vec<String> = self.ports.iter().map(PortRange::to_string).collect();
            let protocol = match self.protocol {
                None => Protocol::Both,
                Some(ProtocolName::Tcp) => Protocol::Tcp,
                Some(ProtocolName::Udp) => Protocol::Udp,
            };
            let all = self.ports.iter().flat_map(|range| range.0.clone());
            named("--ports", ports.join(","), NetworkBlackhole::ports(protocol, all))?
        } else {
            return Err(Error::invalid(
                "--all",
                "none",
                "--all, --hosts, --ports or --dns with network-blackhole",
            ));
        };
        if let Some(direction) = self.direction {
            blackhole = blackhole.direction(match direction {
                DirectionName::Ingress => Direction::Ingress,
                DirectionName::Egress => Direction::Egress,
            });
        }
        for host in &self.allow {
            blackhole = blackhole.allow(named("--allow", host, Allowed::host(host))?);
        }
        Ok(blackhole)
    }

    /// The event with the duration that was given, if any.
    fn held<E>(&self, event: E, lasting: impl FnOnce(E, Duration) -> Result<E>) -> Result<E> {
        match self.duration {
            None => Ok(event),
            Some(duration) => named("--duration", duration_text(duration), lasting(event, duration)),
        }
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.0.start(), self.0.end());
        if first == last { write!(f, "{first}") } else { write!(f, "{first}-{last}") }
    }
}

impl FromStr for PortRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (first.parse(), last.parse()) {
            (Ok(first), Ok(last)) if 0 < first && first <= last => Ok(Self(first..=last)),
            _ => Err("expected ports from 1 to 65535, such as 8080 or 9000-9010".to_owned()),
        }
    }
}

/// The same from any working directory.
fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
}

/// As it is given on the command line.
fn name_of(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
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
            assert_eq!(again.replace('\'', ""), line);
            assert!(line.starts_with(&format!("--event {}", event.name())), "{line}");
        }
        assert_eq!(read("").unwrap().1, "--event terminate");
        assert_eq!(read("--event stop --duration 90s").unwrap().0.hold().duration(), Duration::from_secs(90));
    }

    #[test]
    fn the_names_are_those_of_the_events() {
        for name in EventName::value_variants() {
            let more = match name {
                EventName::DiskFill => "--path /tmp --bytes 2GiB",
                EventName::NetworkBlackhole => "--all",
                _ => "",
            };
            let (event, _) = read(&format!("--event {} {more}", name.as_str())).unwrap();
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
            ("--event network-blackhole", "invalid --all: none; expected --all, --hosts, --ports or --dns"),
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
