use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{
    GroupRule, Monkey,
    core::{Core, Rehearsal},
    parts::Parts,
    shared_looks::SharedLooks,
    terms::AllTerms,
};
use crate::{
    calendar::Calendar,
    chance::Entropy,
    clock::Clock,
    error::{Error, Result},
    event::ChaosEvent,
    fault::Safeguard,
    journal::{CarefulJournal, Journal},
    observer::{Observer, Observers, TracingObserver},
    plan::BlastRadius,
    provider::{GroupFilter, Provider},
    recovery::{Registry, RetryPolicy},
    schedule::Schedule,
    steady_state::SteadyState,
};

/// Builds a [`Monkey`]. Everything has a safe default, and [`build`](MonkeyBuilder::build) refuses invalid values.
#[derive(Debug)]
#[must_use = "a builder does nothing before `build`"]
pub struct MonkeyBuilder {
    parts: Parts,
    rules: Vec<GroupRule>,
    observers: Vec<Arc<dyn Observer>>,
    /// Whether the default observer is active too.
    logs: bool,
    unleashed: Option<(Arc<dyn Journal>, Registry)>,
    rehearsed: Option<(Arc<dyn Journal>, Registry)>,
}

impl Default for MonkeyBuilder {
    fn default() -> Self {
        Self {
            parts: Parts::default(),
            rules: Vec::new(),
            observers: Vec::new(),
            logs: true,
            unleashed: None,
            rehearsed: None,
        }
    }
}

impl MonkeyBuilder {
    /// Adds a provider. You can add any number, each with a scheme of its own.
    pub fn provider(mut self, provider: impl Provider) -> Self {
        self.parts.providers.push(Arc::new(provider));
        self
    }

    /// Adds an event. You can add any number, including one event in several magnitudes; a suitable one is drawn for
    /// each victim. The cool-down is per name of the event.
    pub fn event(mut self, event: impl ChaosEvent) -> Self {
        self.parts.events.push(Arc::new(event));
        self
    }

    /// Sets when chaos is welcome. Default: always.
    pub fn calendar(mut self, calendar: impl Calendar) -> Self {
        self.parts.calendar = Arc::new(calendar);
        self
    }

    /// Sets how much may be broken at once. Default: one target, and at least half of a group left healthy.
    pub fn blast_radius(mut self, blast_radius: BlastRadius) -> Self {
        self.parts.blast_radius = blast_radius;
        self
    }

    /// Sets the cool-down: how long after an injection the same event leaves the same target alone. Default: none.
    pub fn cool_down(mut self, cool_down: Duration) -> Self {
        self.parts.cool_down = cool_down;
        self
    }

    /// Sets the groups to look at. Default: all.
    pub fn groups(mut self, filter: GroupFilter) -> Self {
        self.parts.filter = filter;
        self
    }

    /// Sets the minimum age: a member that began less long ago is left alone. A member whose provider does not know
    /// when it began does not count as young. Default: none.
    pub fn min_age(mut self, age: Duration) -> Self {
        self.parts.min_age = age;
        self
    }

    /// Adds a rule for some groups. The first rule that fits a group decides for it; what that rule does not say, and
    /// groups that no rule fits, are as for the whole monkey.
    pub fn group_rule(mut self, rule: GroupRule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Sets the seed of the first run; each further run derives its own from the one before. By default, a seed is
    /// drawn and reported.
    pub fn seed(mut self, seed: u64) -> Self {
        self.parts.seed = Some(seed);
        self
    }

    /// Sets what normal is, and so makes an experiment of each run: nothing is injected into a system that is not
    /// steady, a fault ends when the system is no longer steady, and the report tells whether the hypothesis held.
    /// Default: none.
    pub fn steady_state(mut self, steady_state: SteadyState) -> Self {
        self.parts.steady_state = Some(steady_state);
        self
    }

    /// Sets the time from the end of one run to the start of the next in [`Monkey::run`]. Default: 1 hour.
    pub fn every(mut self, interval: Duration) -> Self {
        self.parts.interval = interval;
        self
    }

    /// Sets how often a group is hit in [`Monkey::run`], in open days, in place of the interval. Each due is a run of
    /// its own, and the journal refuses a second one for it, whichever monkey asks.
    ///
    /// Without a [`seed`](MonkeyBuilder::seed), one is drawn once and kept in the journal, so a restart draws the same
    /// dues. The journal also keeps [what came of each](crate::journal::DueRecord).
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.parts.schedule = Some(schedule);
        self
    }

    /// Sets how long after a due that was stopped by a guard, a doubt or a limit it is tried again, as long as the day
    /// lasts. Default: 5 minutes.
    pub fn retry_dues_every(mut self, wait: Duration) -> Self {
        self.parts.due_retry = wait;
        self
    }

    /// Sets how long the journal keeps what is over: recovered faults, and settled dues. Once a day, [`Monkey::run`]
    /// makes it [forget](Journal::forget) what is older. At least the cool-down; default: for ever.
    pub fn keep(mut self, time: Duration) -> Self {
        self.parts.keep = Some(time);
        self
    }

    /// Sets how many faults this monkey takes care of at once. At least 1; default: 8. The blast radius limits how many
    /// faults there are; this limits how many are injected at the same time.
    pub fn concurrency(mut self, faults: usize) -> Self {
        self.parts.concurrency = faults;
        self
    }

    /// Sets how long a provider's listing may take before it counts as doubtful. Default: 5 minutes.
    pub fn discovery_limit(mut self, limit: Duration) -> Self {
        self.parts.discovery_limit = limit;
        self
    }

    /// Sets how often and how long a recovery is retried, and replaces all earlier settings of it.
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.parts.retry = retry;
        self
    }

    /// Sets the recovery budget: how long the recovery of a fault may take, all attempts together. Default: 5 minutes.
    pub fn recovery_budget(mut self, budget: Duration) -> Self {
        self.parts.retry.budget = budget;
        self
    }

    /// Sets how long a target must stay well before a fault that was never seen in effect counts as over. Default: 5 s,
    /// or a quarter of the recovery budget if that is less.
    pub fn settle(mut self, settle: Duration) -> Self {
        self.parts.retry.settle = settle;
        self
    }

    /// Sets the clock. Default: the clock of this machine.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.parts.clock = Arc::new(clock);
        self
    }

    /// Sets the source of seeds and of the ids of runs and faults. Default: the operating system.
    pub fn entropy(mut self, entropy: impl Entropy) -> Self {
        self.parts.entropy = Arc::new(entropy);
        self
    }

    /// Adds an observer, in place of the default [`TracingObserver`]. You can add any number.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.logs = false;
        self.also_observe(observer)
    }

    /// Adds an observer in addition to the default [`TracingObserver`], which stays active unless
    /// [`observer`](MonkeyBuilder::observer) replaces it. You can add any number.
    pub fn also_observe(mut self, observer: impl Observer) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// Unleashes the monkey. Without this call it plans, explains and touches nothing.
    ///
    /// `journal` keeps the recovery of each fault. `registry` reads recoveries back, and must know the recovery of
    /// every event.
    pub fn unleash(mut self, journal: impl Journal, registry: Registry) -> Self {
        self.unleashed = Some((Arc::new(journal), registry));
        self
    }

    /// Gives a leashed monkey a journal, so that it rehearses: it passes through every check up to the arming, with the
    /// limits and cool-downs of the faults in the journal, prepares each event, and stops there. Its report tells what
    /// it [would have injected](super::RunReport::rehearsed), and with a [`schedule`](MonkeyBuilder::schedule) the
    /// journal keeps which dues [would have been](crate::journal::DueState::WouldHaveBeen) carried out.
    ///
    /// It asks no observer for permission, takes no due, counts in no limit and recovers nothing; it only tells of
    /// pending faults.
    ///
    /// ```
    /// use chaos_core::{MemoryJournal, Monkey, Outcome, Registry, testing::{MemoryProvider, PowerOff, PowerOn}};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> chaos_core::Result<()> {
    /// let monkey = Monkey::builder()
    ///     .provider(MemoryProvider::default().with_group("web", 5)?)
    ///     .event(PowerOff::default())
    ///     .rehearse(MemoryJournal::new(), Registry::default().register::<PowerOn>())
    ///     .build()?;
    /// let report = monkey.run_once().await?;
    /// assert_eq!((report.outcome(), report.faults.len()), (Outcome::DryRun, 0));
    /// assert_eq!(report.rehearsed[0].event, "power-off");
    /// # Ok(())
    /// # }
    /// ```
    pub fn rehearse(mut self, journal: impl Journal, registry: Registry) -> Self {
        self.rehearsed = Some((Arc::new(journal), registry));
        self
    }

    /// Builds the monkey.
    ///
    /// # Errors
    /// `InvalidInput` that names the field and the value: no provider, two providers with one scheme, an invalid name
    /// of an event, an invalid quota, an invalid calendar, a concurrency or interval of zero, a time to keep that
    /// is less than the cool-down, both `unleash` and `rehearse`, a rule for groups that names an unknown event or does
    /// not suit the schedule, and whatever [`SteadyState::check`] refuses.
    pub fn build(self) -> Result<Monkey> {
        let Self { mut parts, rules, mut observers, logs, unleashed, rehearsed } = self;
        parts.calendar.check()?;
        parts.blast_radius.check()?;
        if let Some(steady_state) = &parts.steady_state {
            steady_state.check()?;
        }
        if parts.providers.is_empty() {
            return Err(Error::invalid("providers", "none", "at least one"));
        }
        let mut schemes = BTreeSet::new();
        for provider in &parts.providers {
            let scheme = provider.scheme();
            well_formed("provider scheme", scheme)?;
            if !schemes.insert(scheme) {
                return Err(Error::invalid(
                    "provider scheme",
                    format!("{scheme:?}"),
                    "one provider for each",
                ));
            }
        }
        for event in &parts.events {
            well_formed("event name", event.name())?;
        }
        if parts.concurrency == 0 {
            return Err(Error::invalid("concurrency", 0, "at least 1"));
        }
        for (field, duration) in [
            ("interval", parts.interval),
            ("wait before a due is tried again", parts.due_retry),
            ("discovery limit", parts.discovery_limit),
            ("recovery budget", parts.retry.budget),
            ("first wait", parts.retry.first_wait),
        ] {
            if duration.is_zero() {
                return Err(Error::invalid(field, format!("{duration:?}"), "more than zero"));
            }
        }
        if let Some(keep) = parts.keep.filter(|keep| keep.is_zero() || *keep < parts.cool_down) {
            let expected = format!("more than zero, and at least the cool-down, {:?}", parts.cool_down);
            return Err(Error::invalid("time to keep", format!("{keep:?}"), expected));
        }
        if unleashed.is_some() && rehearsed.is_some() {
            return Err(Error::invalid("mode", "`unleash` and `rehearse`", "one of them"));
        }
        if parts.schedule.is_some() {
            parts.blast_radius.check_for_single_groups()?;
        }
        parts.retry.settle = parts.retry.settle.min(parts.retry.budget / 4);
        let terms = AllTerms::of(&parts, &rules)?;
        let looks = parts.providers.into_iter().map(|provider| SharedLooks::at(provider, &parts.clock));
        parts.providers = looks.map(|looks| Arc::new(looks) as Arc<dyn Provider>).collect();
        if logs {
            observers.insert(0, Arc::new(TracingObserver));
        }
        let safeguard = unleashed.map(|(journal, registry)| {
            let journal = Arc::new(CarefulJournal::new(journal, Arc::clone(&parts.clock)));
            Safeguard::new(journal, registry, parts.retry)
        });
        let rehearsal = rehearsed.map(|(journal, registry)| {
            let journal = Arc::new(CarefulJournal::new(journal, Arc::clone(&parts.clock)));
            Rehearsal { journal, registry }
        });
        let core = Core::new(parts, terms, Observers::new(observers), safeguard, rehearsal);
        Ok(Monkey::new(core))
    }
}

fn well_formed(field: &str, name: &str) -> Result<()> {
    let is_right = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if is_right {
        return Ok(());
    }
    Err(Error::invalid(field, format!("{name:?}"), "lower-case letters, digits and hyphens"))
}
