use std::{path::PathBuf, time::Duration};

use clap::{Command, Parser};

use super::{
    crash::CrashPoint, event::EventArguments, notify::NotifyArguments, provider::ProviderArguments,
    steady_state::SteadyArguments,
};
use crate::{
    arguments::{count, duration, seed},
    catalogue::Catalogue,
};

/// The arguments of `drill`.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "drill",
    version,
    about = "Breaks one of five replicas, watches the fleet heal, and reports what the clients noticed",
    after_help = "Without --attach and --provider, the drill starts a fleet of its own: five replicas of a small HTTP \
        service on 127.0.0.1, which end with the drill.\n\n\
                  Exit codes: 0 done and recovered, or with --dry-run: the plan is shown; 2 bad arguments, including \
                  arguments that do not fit the target; 3 skipped because of a safety rule or a doubt, or with \
                  --dry-run: it is unknown which targets would be hit; 4 injected but not recovered, whatever else \
                  went wrong; 5 anything else, including a drill that Ctrl-C or a closed terminal cut short and that \
                  recovered everything (its outcome in JSON is failed), one with a fault that ended before its time \
                  (cut-short), and one that hit nothing (no-effect). With a steady state, also: 6 the hypothesis was \
                  wrong (deviated); 7 the hypothesis was not tested (inconclusive), because nobody could look, the \
                  fault ended before its time or it hit nothing. Both mean that everything is recovered."
)]
#[non_exhaustive]
pub struct DrillArguments {
    #[command(flatten)]
    pub(super) provider: ProviderArguments,
    /// Only this group, by id or by name; in a cloud, * and ? in a name are wildcards
    #[arg(long, value_name = "NAME")]
    pub(super) group: Option<String>,
    /// The number of targets; 1 by default. At least half of a group stays healthy
    #[arg(long, value_name = "NUMBER", value_parser = count)]
    pub(super) count: Option<usize>,
    /// Draws the same victims each time; by default a new seed is drawn and reported
    #[arg(long, value_name = "NUMBER", value_parser = seed)]
    pub(super) seed: Option<u64>,
    /// Show which targets would be chosen, and touch nothing. Only a drill shows whether they can carry out the event
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Do not ask before a drill on a fleet that is not its own
    #[arg(long)]
    pub(super) yes: bool,
    /// Keep the journal in this file, for `recover` and `history`. An attached fleet has one in its directory; a
    /// cloud's is chaos/drill.journal in XDG_STATE_HOME, or in ~/.local/state
    #[arg(long, value_name = "PATH")]
    pub(super) journal: Option<PathBuf>,
    /// A fleet that `fleet --state DIR` keeps up
    #[arg(long, value_name = "DIR", conflicts_with = "base_port")]
    pub(super) attach: Option<PathBuf>,
    /// The first of the five ports of the drill's own fleet; free ports by default
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) base_port: Option<u16>,
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    pub(super) json: bool,
    /// How long the clients are served before the injection and after the recovery, as a baseline
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "1s", hide = true)]
    pub(super) steady: Duration,
    #[command(flatten)]
    pub(super) event: EventArguments,
    /// How long a recovery is retried, whatever errors occur; 1m by default, and 15m in a cloud
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) recovery_budget: Option<Duration>,
    #[command(flatten)]
    pub(super) steady_state: SteadyArguments,
    #[command(flatten)]
    pub(super) notify: NotifyArguments,
    /// Test that a killed drill is recovered: kill -9 this process before or after the journal records that a fault
    /// enters a state, such as before:active
    #[arg(long, value_name = "WHEN:STATE", hide = true)]
    pub(super) crash_at: Option<CrashPoint>,
    /// The same with SIGSTOP: test that a drill that is frozen there is recovered, and does no harm when SIGCONT wakes
    /// it up
    #[arg(long, value_name = "WHEN:STATE", hide = true, conflicts_with = "crash_at")]
    pub(super) pause_at: Option<CrashPoint>,
}

impl DrillArguments {
    /// `command` with the arguments of everything in `catalogue`.
    pub(crate) fn of(command: Command, catalogue: &Catalogue) -> Command {
        ProviderArguments::of(EventArguments::of(command, &catalogue.events), catalogue)
    }

    #[cfg(test)]
    pub(super) fn parsed(words: &[&str]) -> Result<Self, clap::Error> {
        use clap::{CommandFactory, FromArgMatches};
        let command = Self::of(Self::command(), &crate::catalogue::catalogue());
        Self::from_arg_matches(&command.try_get_matches_from(words)?)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        DrillArguments::of(DrillArguments::command(), &crate::catalogue::catalogue()).debug_assert();
    }

    #[test]
    fn nonsense_names_the_argument_and_the_value() {
        for (argument, value) in [
            ("--provider", "moon"),
            ("--event", "explode"),
            ("--count", "-1"),
            ("--duration", "soon"),
            ("--seed", "forty-two"),
            ("--base-port", "0"),
            ("--base-port", "99999"),
            ("--crash-at", "never"),
            ("--pause-at", "after:lunch"),
        ] {
            let error = DrillArguments::parsed(&["drill", &format!("{argument}={value}")]).unwrap_err();
            let text = error.to_string();
            assert_eq!(error.exit_code(), 2, "{text}");
            assert!(text.contains(argument) && text.contains(value), "{text}");
        }
    }
}
