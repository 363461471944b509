use std::{path::PathBuf, sync::Arc, time::Duration};

use chaos_core::{
    BlastRadius, ChaosEvent, Error, ErrorKind, Group, Journal, Monkey, Observer, Provider, Quota, Registry,
    Result, SteadyState,
    catalogue::{Arguments, Naming},
    chance::{Entropy, SystemEntropy},
    plan::{FailureDomain, Percent, Plan},
    provider::GroupFilter,
};

use super::{
    DrillArguments,
    crash::CrashPoint,
    given::{Given, command_line},
    notify::NotifyArguments,
    provider::{LOCAL, ProviderArguments, identity, places},
};
use crate::{
    catalogue::Catalogue,
    program::{ProgramError, observe_if_asked, quoted},
};

/// The healthy members that a drill leaves in a group.
const MIN_HEALTHY: Percent = Percent(50);
/// The largest drawn seed: readers of JSON keep whole numbers exact up to here.
const LARGEST_DRAWN: u64 = (1 << 53) - 1;
/// The settings of AWS that select the identity and the region of notifications.
const OF_AWS: [&str; 3] = ["region", "profile", "assume-role"];

/// The order for a drill, read from valid arguments. It is data, and does not know the stage that it is for.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) event: Arc<dyn ChaosEvent>,
    /// Every known recovery: the journal may hold pending faults of other events.
    registry: Registry,
    /// The seed of the plan that a person sees and of the run that follows.
    pub(super) seed: u64,
    pub(super) dry_run: bool,
    pub(super) yes: bool,
    pub(super) json: bool,
    pub(super) journal: Option<PathBuf>,
    pub(super) crash_at: Option<CrashPoint>,
    pub(super) pause_at: Option<CrashPoint>,
    /// How long the clients are served before the injection and after the recovery.
    pub(super) steady: Duration,
    /// The directory of the fleet, if it is not the drill's own.
    pub(super) attach: Option<PathBuf>,
    pub(super) group: Option<String>,
    /// The arguments of the identity, as the rest of a command line.
    pub(super) identity: String,
    /// The settings of the provider.
    pub(super) settings: Arguments,
    pub(super) provider: ProviderArguments,
    /// The people to notify.
    pub(super) notify: NotifyArguments,
    /// The arguments that select the groups.
    provider_arguments: Vec<Given>,
    /// The arguments of the notifications, and of their identity if the provider's own do not give it.
    notify_arguments: Vec<Given>,
    /// The arguments that select the event.
    event_arguments: String,
    /// What normal is, if the drill is an experiment.
    steady_state: Option<SteadyState>,
    /// The arguments of the steady state.
    steady_arguments: Vec<Given>,
    count: Option<usize>,
    /// The first port of the drill's own fleet.
    pub(super) base_port: Option<u16>,
    recovery_budget: Duration,
}

/// The limits for the number of targets of a drill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) most: usize,
    /// The number of all targets.
    pub(super) all: usize,
}

impl Order {
    /// Reads an order from arguments, without looking at the fleet.
    pub(super) fn read(arguments: DrillArguments, catalogue: &Catalogue) -> Result<Self, ProgramError> {
        let (event, event_arguments) = arguments.event.read(&catalogue.events)?;
        refuse_own_fleet(&arguments)?;
        // Notifications through AWS have an identity of their own, whichever provider the groups belong to.
        let spared: &[&str] = if arguments.notify.needs_aws() { &OF_AWS } else { &[] };
        let settings = arguments.provider.read(arguments.group.as_deref(), spared, catalogue)?;
        let spec = catalogue.providers.spec(arguments.provider.name(), Naming::Arguments)?;
        let recovery_budget = arguments.recovery_budget.unwrap_or_else(|| usual_budget(&arguments.provider));
        Ok(Self {
            steady_state: arguments.steady_state.read(event.name())?,
            steady_arguments: arguments.steady_state.given(),
            event: Arc::clone(event.event()),
            registry: catalogue.events.registry(),
            event_arguments,
            provider_arguments: places(&settings),
            notify_arguments: notify_arguments(&arguments),
            identity: command_line(&identity(&settings, spec)),
            settings,
            seed: match arguments.seed {
                Some(seed) => seed,
                None => SystemEntropy::default().draw()? & LARGEST_DRAWN,
            },
            dry_run: arguments.dry_run,
            yes: arguments.yes,
            json: arguments.json,
            journal: arguments.journal,
            crash_at: arguments.crash_at,
            pause_at: arguments.pause_at,
            steady: arguments.steady,
            attach: arguments.attach,
            count: arguments.count,
            base_port: arguments.base_port,
            group: arguments.group,
            provider: arguments.provider,
            notify: arguments.notify,
            recovery_budget,
        })
    }

    pub(super) fn count(&self) -> usize {
        self.count.unwrap_or(1)
    }

    /// Whether a person is still to be asked for the number of targets.
    pub(super) fn leaves_count_open(&self) -> bool {
        self.count.is_none()
    }

    /// The command line that chooses the same victims again.
    pub(super) fn command(&self, count: usize) -> String {
        let places = command_line(&self.provider_arguments);
        let program = match self.provider.name() {
            LOCAL => "cargo drill".to_owned(),
            // These have an alias of cargo.
            cloud @ ("aws" | "azure") => format!("cargo {cloud}-drill{places}"),
            other => format!("cargo drill --provider {}{places}", quoted(other.as_ref())),
        };
        let told = command_line(&self.notify_arguments);
        let mut command = format!("{program}{told} {} --seed {}", self.event_arguments, self.seed);
        let count = (count > 1).then(|| count.to_string());
        let path = |path: &Option<PathBuf>| path.as_deref().map(quoted);
        command.push_str(&command_line(&self.steady_arguments));
        for (name, value) in [
            ("--count", count),
            ("--recovery-budget", self.other_budget().map(|budget| format!("{}ms", budget.as_millis()))),
            ("--base-port", self.base_port.map(|port| port.to_string())),
            ("--group", self.group.as_deref().map(|group| quoted(group.as_ref()))),
            ("--attach", path(&self.attach)),
            ("--journal", path(&self.journal)),
        ] {
            if let Some(value) = value {
                command.push_str(&format!(" {name} {value}"));
            }
        }
        command
    }

    /// The recovery budget, unless it is the default.
    fn other_budget(&self) -> Option<Duration> {
        Some(self.recovery_budget).filter(|budget| *budget != usual_budget(&self.provider))
    }

    /// Picks from `groups`, each an id and a name for people, those that this order is about.
    pub(super) fn filter(&self, groups: &[(String, String)]) -> Result<GroupFilter> {
        let Some(wanted) = &self.group else {
            return Ok(GroupFilter::all());
        };
        let is_wanted = |(id, name): &&(String, String)| {
            wanted == id || wanted == name || id.split_once(':').is_some_and(|(_, path)| path == wanted)
        };
        match groups.iter().find(is_wanted) {
            Some((id, _)) => Ok(GroupFilter::all().name(id)),
            None => {
                let known: Vec<String> = groups
                    .iter()
                    .map(|(id, name)| {
                        if id.ends_with(&format!(":{name}")) { id.clone() } else { format!("{id} ({name})") }
                    })
                    .collect();
                Err(Error::invalid("--group", format!("{wanted:?}"), format!("one of: {}", known.join(", "))))
            }
        }
    }

    /// Refuses a plan that certainly found none of the requested groups.
    pub(super) fn check_plan(&self, plan: &Plan) -> Result<()> {
        if plan.groups.is_empty() && plan.doubts.is_empty() { Err(self.without_groups()) } else { Ok(()) }
    }

    /// The error if none of the requested groups exists.
    pub(super) fn without_groups(&self) -> Error {
        match &self.group {
            Some(group) => {
                Error::invalid("--group", format!("{group:?}"), "an existing group of the provider")
            }
            None => Error::new(ErrorKind::NotFound, "the provider has no such group")
                .with("asked", command_line(&self.provider_arguments).trim_start()),
        }
    }

    /// A monkey that carries out this order for `count` targets, all of them in `domain`.
    pub(super) fn monkey(
        &self,
        count: usize,
        providers: Vec<Arc<dyn Provider>>,
        filter: GroupFilter,
        domain: Option<FailureDomain>,
        journal: Arc<dyn Journal>,
        observers: Vec<Arc<dyn Observer>>,
    ) -> Result<Monkey> {
        let mut blast_radius = BlastRadius::default()
            .targets_per_group(count)
            .targets_per_run(count)
            .max_active(count)
            .min_healthy(MIN_HEALTHY);
        if let Some(domain) = domain {
            blast_radius = blast_radius.within(domain);
        }
        let builder = providers
            .into_iter()
            .fold(Monkey::builder(), |builder, provider| builder.provider(provider))
            .event(Arc::clone(&self.event))
            .blast_radius(blast_radius)
            .groups(filter)
            .recovery_budget(self.recovery_budget);
        let builder = observers
            .into_iter()
            .fold(builder, |builder, observer| builder.observer(observer))
            .seed(self.seed);
        let builder = match &self.steady_state {
            Some(steady) => builder.steady_state(steady.clone()),
            None => builder,
        };
        let builder = builder.unleash(journal, self.registry.clone());
        observe_if_asked(builder).build()
    }
}

/// The default budget of a recovery: a group in a cloud needs minutes for a replacement.
fn usual_budget(provider: &ProviderArguments) -> Duration {
    Duration::from_secs(if provider.is_local() { 60 } else { 15 * 60 })
}

/// Refuses arguments about a fleet of this machine, if the groups are elsewhere.
fn refuse_own_fleet(arguments: &DrillArguments) -> Result<()> {
    let own_fleet = [
        arguments.attach.as_ref().map(|path| Given::new("--attach", path.to_string_lossy())),
        arguments.base_port.map(|port| Given::new("--base-port", port.to_string())),
    ];
    match own_fleet.into_iter().flatten().next() {
        Some(Given { name, value: Some(value) }) if !arguments.provider.is_local() => {
            let expected = format!("none with --provider {}", arguments.provider.name());
            Err(Error::invalid(name, value, expected))
        }
        _ => Ok(()),
    }
}

/// The arguments of notifications, as they were given.
fn notify_arguments(arguments: &DrillArguments) -> Vec<Given> {
    let as_whom = match arguments.provider.name() {
        "aws" => Vec::new(),
        _ => arguments.provider.raw(&OF_AWS),
    };
    [as_whom, arguments.notify.given()].concat()
}

impl Bounds {
    /// Half of each group of these sizes.
    pub(super) fn of_sizes(sizes: impl IntoIterator<Item = usize>) -> Self {
        let (mut most, mut all) = (0, 0);
        for size in sizes {
            most += size - Quota::from(MIN_HEALTHY).at_least(size);
            all += size;
        }
        Self { most, all }
    }

    pub(super) fn of_groups(groups: &[Group]) -> Self {
        Self::of_sizes(groups.iter().map(|group| group.desired.max(group.in_service())))
    }

    /// Refuses a `--count` out of these limits.
    pub(super) fn check(self, count: usize) -> Result<()> {
        if (1..=self.most).contains(&count) {
            return Ok(());
        }
        let why = self.why();
        let expected = match self.most {
            0 => format!("a group with members to spare: {why}"),
            1 => format!("1: {why}"),
            most => format!("from 1 to {most}: {why}"),
        };
        Err(Error::invalid("--count", count, expected))
    }

    pub(super) fn why(self) -> String {
        format!("at least half of the {} members must stay healthy", self.all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(words: &[&str]) -> Order {
        let arguments = DrillArguments::parsed(words).unwrap();
        Order::read(arguments, &crate::catalogue::catalogue()).unwrap()
    }

    #[test]
    fn half_of_a_group_stays() {
        for (size, most) in [(5, 2), (4, 2), (2, 1)] {
            let bounds = Bounds::of_sizes([size]);
            assert_eq!(bounds, Bounds { most, all: size });
            bounds.check(most).unwrap();
            let error = bounds.check(most + 1).unwrap_err().to_string();
            assert!(error.starts_with(&format!("invalid --count: {};", most + 1)), "{error}");
        }
        for (count, sizes) in
            [(0, vec![5]), (99, vec![5]), (1, vec![1]), (1, vec![]), (usize::MAX, vec![5, 5])]
        {
            assert!(Bounds::of_sizes(sizes).check(count).is_err(), "{count}");
        }
        Bounds::of_sizes([5, 5]).check(4).unwrap();
    }

    #[test]
    fn a_group_goes_by_id_path_or_name() {
        let groups =
            [("local:/tmp/a".to_owned(), "web".to_owned()), ("local:drill".to_owned(), "drill".to_owned())];
        let order = |group: &str| order(&["drill", "--group", group]);
        for (wanted, id) in [("local:/tmp/a", 0), ("/tmp/a", 0), ("web", 0), ("drill", 1), ("local:drill", 1)]
        {
            let filter = order(wanted).filter(&groups).unwrap();
            assert_eq!(filter, GroupFilter::all().name(&groups[id].0), "{wanted}");
        }
        assert_eq!(
            order("x").filter(&groups).unwrap_err().to_string(),
            r#"invalid --group: "x"; expected one of: local:/tmp/a (web), local:drill"#
        );
    }

    #[test]
    fn the_same_again_is_all_that_matters() {
        let order = |line: &str| order(&line.split(' ').collect::<Vec<_>>());
        let line =
            "drill --event stop --duration 1m30s --seed 7 --group web --attach /tmp/a --journal /tmp/j";
        assert_eq!(order(line).command(1), format!("cargo {line}"));
        let line = "drill --event terminate --seed 7 --steady-http http://127.0.0.1:1/ --hypothesis Holds";
        assert_eq!(order(line).command(1).replace('\'', ""), format!("cargo {line}"));
        let line = "drill --event terminate --seed 7 --count 2 --attach /tmp/a";
        assert_eq!(order("drill --seed 7 --attach /tmp/a --yes").command(2), format!("cargo {line}"));
        let drawn = order("drill");
        assert_eq!(drawn.command(1), format!("cargo drill --event terminate --seed {}", drawn.seed));
    }
}
