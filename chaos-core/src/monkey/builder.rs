use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{
    Monkey,
    core::{Core, CoreParts},
    shared_looks::SharedLooks,
};
use crate::{
    calendar::{Always, Calendar},
    chance::{Entropy, SystemEntropy},
    clock::{Clock, SystemClock},
    error::{Error, Result},
    event::ChaosEvent,
    fault::Safeguard,
    journal::{CarefulJournal, Journal},
    observer::{Observer, Observers, TracingObserver},
    plan::BlastRadius,
    provider::{GroupFilter, Provider},
    recovery::{Registry, RetryPolicy},
};

/// Builds a [`Monkey`]. Everything has a safe default; what makes no sense is refused by
/// [`build`](MonkeyBuilder::build).
#[derive(Debug)]
#[must_use = "a builder does nothing before `build`"]
pub struct MonkeyBuilder {
    providers: Vec<Arc<dyn Provider>>,
    events: Vec<Arc<dyn ChaosEvent>>,
    calendar: Arc<dyn Calendar>,
    blast_radius: BlastRadius,
    cool_down: Duration,
    filter: GroupFilter,
    seed: Option<u64>,
    interval: Duration,
    concurrency: usize,
    discovery_limit: Duration,
    retry: RetryPolicy,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    observers: Vec<Arc<dyn Observer>>,
    /// Whether the default observer is told too.
    logs: bool,
    unleashed: Option<(Arc<dyn Journal>, Registry)>,
}

impl Default for MonkeyBuilder {
    fn default() -> Self {
        Self {
            providers: Vec::new(),
            events: Vec::new(),
            calendar: Arc::new(Always),
            blast_radius: BlastRadius::default(),
            cool_down: Duration::ZERO,
            filter: GroupFilter::all(),
            seed: None,
            interval: Duration::from_secs(3600),
            concurrency: 8,
            discovery_limit: Duration::from_secs(300),
            retry: RetryPolicy::default(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            observers: Vec::new(),
            logs: true,
            unleashed: None,
        }
    }
}

impl MonkeyBuilder {
    /// Adds a provider. Any number, each with a scheme of its own.
    pub fn provider(mut self, provider: impl Provider) -> Self {
        self.providers.push(Arc::new(provider));
        self
    }

    /// Adds an event. Any number, also one event in several magnitudes; one that fits is drawn for each victim. The
    /// cool-down is that of the event's name.
    pub fn event(mut self, event: impl ChaosEvent) -> Self {
        self.events.push(Arc::new(event));
        self
    }

    /// Sets when chaos is welcome. Default: always.
    pub fn calendar(mut self, calendar: impl Calendar) -> Self {
        self.calendar = Arc::new(calendar);
        self
    }

    /// Sets how much may be broken at once. Default: one target, and at least half of a group left healthy.
    pub fn blast_radius(mut self, blast_radius: BlastRadius) -> Self {
        self.blast_radius = blast_radius;
        self
    }

    /// Sets how long after an injection the same event leaves the same target alone. Default: not at all.
    pub fn cool_down(mut self, cool_down: Duration) -> Self {
        self.cool_down = cool_down;
        self
    }

    /// Sets which groups to look at. Default: all of them.
    pub fn groups(mut self, filter: GroupFilter) -> Self {
        self.filter = filter;
        self
    }

    /// Sets the seed of the first run; each further run draws its own from the one before. Default: drawn, and
    /// reported.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sets the time from the end of one run to the begin of the next in [`Monkey::run`]. Default: 1 hour.
    pub fn every(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets how many faults this monkey takes care of at once. At least 1, default 8. The blast radius limits how many
    /// there are; this limits how many are injected at the same time.
    pub fn concurrency(mut self, faults: usize) -> Self {
        self.concurrency = faults;
        self
    }

    /// Sets how long a provider's listing may take before it counts as doubtful. Default: 5 minutes.
    pub fn discovery_limit(mut self, limit: Duration) -> Self {
        self.discovery_limit = limit;
        self
    }

    /// Sets how often and how long a recovery is tried, in place of every setting of it that was made before.
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Sets how long the recovery of a fault may take from when it begins, all attempts together. Default: 5 minutes.
    pub fn recovery_budget(mut self, budget: Duration) -> Self {
        self.retry.budget = budget;
        self
    }

    /// Sets how long a target must stay well before a fault that was never seen in effect counts as over. Default: 5 s,
    /// or a quarter of the recovery budget where that is less.
    pub fn settle(mut self, settle: Duration) -> Self {
        self.retry.settle = settle;
        self
    }

    /// Sets where time and sleep come from. Default: this machine.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets where seeds and the ids of runs and faults come from. Default: the operating system.
    pub fn entropy(mut self, entropy: impl Entropy) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// Adds an observer, in place of the default [`TracingObserver`]. Any number.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.logs = false;
        self.also_observe(observer)
    }

    /// Adds an observer beside the default [`TracingObserver`], which goes on unless
    /// [`observer`](MonkeyBuilder::observer) replaces it. Any number.
    pub fn also_observe(mut self, observer: impl Observer) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// Takes the monkey off the leash: without this call it plans, explains and touches nothing.
    ///
    /// `journal` keeps what undoes each fault; `registry` reads it back, and must know the recovery of every event.
    pub fn unleash(mut self, journal: impl Journal, registry: Registry) -> Self {
        self.unleashed = Some((Arc::new(journal), registry));
        self
    }

    /// Builds the monkey.
    ///
    /// # Errors
    /// `InvalidInput` that names the field and the value: no provider, two providers of one scheme, an event's name
    /// that is none, a quota that is none, a calendar made from nonsense, a concurrency or interval of zero.
    pub fn build(self) -> Result<Monkey> {
        self.calendar.check()?;
        self.blast_radius.check()?;
        if self.providers.is_empty() {
            return Err(Error::invalid("providers", "none", "at least one"));
        }
        let mut schemes = BTreeSet::new();
        for provider in &self.providers {
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
        for event in &self.events {
            well_formed("event name", event.name())?;
        }
        if self.concurrency == 0 {
            return Err(Error::invalid("concurrency", 0, "at least 1"));
        }
        for (field, duration) in [
            ("interval", self.interval),
            ("discovery limit", self.discovery_limit),
            ("recovery budget", self.retry.budget),
            ("first wait", self.retry.first_wait),
        ] {
            if duration.is_zero() {
                return Err(Error::invalid(field, format!("{duration:?}"), "more than zero"));
            }
        }
        let mut retry = self.retry;
        retry.settle = retry.settle.min(retry.budget / 4);
        let mut observers = self.observers;
        if self.logs {
            observers.insert(0, Arc::new(TracingObserver));
        }
        let safeguard = self.unleashed.map(|(journal, registry)| {
            let journal = Arc::new(CarefulJournal::new(journal, Arc::clone(&self.clock)));
            Safeguard::new(journal, registry, retry)
        });
        let core = Core::new(CoreParts {
            providers: self
                .providers
                .into_iter()
                .map(|provider| Arc::new(SharedLooks::at(provider, &self.clock)) as _)
                .collect(),
            events: self.events,
            calendar: self.calendar,
            blast_radius: self.blast_radius,
            cool_down: self.cool_down,
            filter: self.filter,
            seed: self.seed,
            interval: self.interval,
            concurrency: self.concurrency,
            discovery_limit: self.discovery_limit,
            retry,
            clock: self.clock,
            entropy: self.entropy,
            observers: Observers::new(observers),
            safeguard,
        });
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
