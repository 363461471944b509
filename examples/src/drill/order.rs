use std::{path::PathBuf, sync::Arc, time::Duration};

use chaos_core::{
    BlastRadius, ChaosEvent, Error, Group, GroupFilter, Journal, Monkey, Percent, Provider, Quota, Result,
};

use super::{DrillArguments, crash::CrashPoint, phases::Phases};
use crate::program::observe_if_asked;

/// Healthy members that a drill leaves in a group.
const MIN_HEALTHY: Percent = Percent(50);

/// What is to be done, read from arguments that make sense.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) event: Arc<dyn ChaosEvent>,
    pub(super) seed: Option<u64>,
    pub(super) dry_run: bool,
    pub(super) yes: bool,
    pub(super) json: bool,
    pub(super) journal: Option<PathBuf>,
    pub(super) crash_at: Option<CrashPoint>,
    /// How long the clients are served before the injection and after the recovery.
    pub(super) steady: Duration,
    count: usize,
    group: Option<String>,
    recovery_budget: Duration,
}

impl Order {
    /// Reads it from arguments, without their fleet.
    pub(super) fn read(arguments: &DrillArguments) -> Result<Self> {
        Ok(Self {
            event: arguments.event.event(arguments.duration)?,
            seed: arguments.seed,
            dry_run: arguments.dry_run,
            yes: arguments.yes,
            json: arguments.json,
            journal: arguments.journal.clone(),
            crash_at: arguments.crash_at,
            steady: arguments.steady,
            count: arguments.count,
            group: arguments.group.clone(),
            recovery_budget: arguments.recovery_budget,
        })
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Picks those of `groups`, each an id and a name for people, that this order is about.
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

    /// Refuses to break more than a blast radius of half of each group allows. `sizes`: of the groups.
    pub(super) fn check_count(count: usize, sizes: impl IntoIterator<Item = usize>) -> Result<()> {
        let (mut most, mut all) = (0, 0);
        for size in sizes {
            most += size - Quota::from(MIN_HEALTHY).at_least(size);
            all += size;
        }
        if (1..=most).contains(&count) {
            return Ok(());
        }
        let expected = match most {
            0 => format!("a group with replicas to spare: at least half of the {all} must stay healthy"),
            1 => format!("1: at least half of the {all} replicas must stay healthy"),
            _ => format!("from 1 to {most}: at least half of the {all} replicas must stay healthy"),
        };
        Err(Error::invalid("--count", count, expected))
    }

    /// A monkey that carries it out for `count` targets.
    pub(super) fn monkey(
        &self,
        count: usize,
        provider: Arc<dyn Provider>,
        filter: GroupFilter,
        journal: Arc<dyn Journal>,
        phases: Phases,
    ) -> Result<Monkey> {
        let blast_radius = BlastRadius::default()
            .targets_per_group(count)
            .targets_per_run(count)
            .max_active(count)
            .min_healthy(MIN_HEALTHY);
        let builder = Monkey::builder()
            .provider(provider)
            .event(Arc::clone(&self.event))
            .blast_radius(blast_radius)
            .groups(filter)
            .recovery_budget(self.recovery_budget)
            .observer(phases)
            .unleash(journal, chaos_events::registry());
        let builder = match self.seed {
            Some(seed) => builder.seed(seed),
            None => builder,
        };
        observe_if_asked(builder).build()
    }
}

/// The sizes that [`Order::check_count`] needs.
pub(super) fn sizes(groups: &[Group]) -> impl Iterator<Item = usize> {
    groups.iter().map(|group| group.desired.max(group.members.len()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn half_of_a_group_stays() {
        for (size, most) in [(5, 2), (4, 2), (2, 1)] {
            Order::check_count(most, [size]).unwrap();
            let error = Order::check_count(most + 1, [size]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("invalid --count: {};", most + 1)), "{error}");
        }
        for (count, sizes) in
            [(0, vec![5]), (99, vec![5]), (1, vec![1]), (1, vec![]), (usize::MAX, vec![5, 5])]
        {
            assert!(Order::check_count(count, sizes).is_err(), "{count}");
        }
        Order::check_count(4, [5, 5]).unwrap();
    }

    #[test]
    fn a_group_goes_by_id_path_or_name() {
        let groups =
            [("local:/tmp/a".to_owned(), "web".to_owned()), ("local:drill".to_owned(), "drill".to_owned())];
        let order =
            |group: &str| Order::read(&DrillArguments::parse_from(["drill", "--group", group])).unwrap();
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
}
