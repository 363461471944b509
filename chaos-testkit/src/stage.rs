//! The stage of a check: a target, its provider, and monkeys over in-memory journals.

use std::{fmt, sync::Arc};

use chaos_core::{
    BlastRadius, Error, ErrorKind, Group, Health, Journal, Monkey, MonkeyBuilder, Provider, Registry, Result,
    RunReport, Target, TargetId, fault::BoxFuture, recovery::RetryPolicy,
};

use crate::{
    Timing,
    report::{Checked, violated},
};

/// The subject that a fixture gives to a suite: a healthy target that may be broken, and the provider that finds it.
///
/// The suite requests a fresh one for each check that injects. It may be another target of the same world, as long as
/// it is healthy, or becomes healthy within [`Timing::settle`].
#[derive(Clone, Debug)]
pub struct Subject {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) target: TargetId,
    pub(crate) boot_mark: Option<Reading>,
    pub(crate) fingerprint: Option<Reading>,
}

/// Something that the fixture reads past the provider.
#[derive(Clone)]
pub(crate) struct Reading(Arc<dyn Fn() -> BoxFuture<'static, Result<String>> + Send + Sync>);

impl Reading {
    pub(crate) async fn read(&self) -> Result<String> {
        (self.0)().await
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reading")
    }
}

impl Subject {
    /// The target that `provider` resolves from `target`.
    pub fn new(provider: impl Provider, target: TargetId) -> Self {
        Self { provider: Arc::new(provider), target, boot_mark: None, fingerprint: None }
    }

    /// Gives the suite of targets a value that differs after each boot, read without the provider, such as a process's
    /// start time or `/proc/sys/kernel/random/boot_id`. Without it, a reboot that does nothing cannot be distinguished
    /// from a quick one.
    #[must_use]
    pub fn boot_mark(
        mut self,
        read: impl Fn() -> BoxFuture<'static, Result<String>> + Send + Sync + 'static,
    ) -> Self {
        self.boot_mark = Some(Reading(Arc::new(read)));
        self
    }

    /// Gives the suite of events a fingerprint of whatever the event changes, read past the provider: a checksum of a
    /// file, the rules of a firewall, the rows of a table. It must be the same after a preparation and after a recovery
    /// as it was before, and should differ while the fault is held. Keep out of it what changes by itself, such as
    /// times.
    ///
    /// Without it, the suite compares the health and the incarnation of every member of the group, and sees no other
    /// damage.
    ///
    /// ```
    /// # use chaos_core::testing::MemoryProvider;
    /// # use chaos_testkit::Subject;
    /// # fn main() -> chaos_core::Result<()> {
    /// # let world = MemoryProvider::default().with_group("web", 3)?;
    /// let subject = Subject::new(world, "memory:web/machine-0".parse()?).fingerprint(|| {
    ///     Box::pin(async {
    ///         std::fs::read_to_string("/etc/hosts").map_err(|error| {
    ///             chaos_core::Error::new(chaos_core::ErrorKind::Other, "the hosts cannot be read").caused_by(error)
    ///         })
    ///     })
    /// });
    /// # let _ = subject;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn fingerprint(
        mut self,
        read: impl Fn() -> BoxFuture<'static, Result<String>> + Send + Sync + 'static,
    ) -> Self {
        self.fingerprint = Some(Reading(Arc::new(read)));
        self
    }
}

/// A subject whose target was seen healthy, and the time to look at it.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) timing: Timing,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) target: TargetId,
    pub(crate) boot_mark: Option<Reading>,
    pub(crate) fingerprint: Option<Reading>,
}

/// The result of a fresh look at a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// `Gone` if the provider no longer resolves it.
    pub(crate) health: Health,
    pub(crate) incarnation: Option<Arc<str>>,
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.health)?;
        match &self.incarnation {
            Some(incarnation) => write!(f, " in incarnation {incarnation}"),
            None => Ok(()),
        }
    }
}

impl Stage {
    /// Waits until the target is healthy, both for its handle and in its group, because only healthy targets are
    /// injected into.
    pub(crate) async fn set(timing: &Timing, subject: Result<Subject>) -> Checked<Self> {
        let subject = subject.or_else(|error| violated(format!("the fixture failed: {}", error.chain())))?;
        let stage = Self {
            timing: timing.clone(),
            provider: subject.provider,
            target: subject.target,
            boot_mark: subject.boot_mark,
            fingerprint: subject.fingerprint,
        };
        let watch = timing.watch_settling();
        loop {
            let seen = stage.look().await;
            if let Ok(look) = &seen
                && look.health == Health::Healthy
                && stage.listed_health().await.ok() == Some(Health::Healthy)
            {
                return Ok(stage);
            }
            if !watch.again().await {
                let seen = seen.map_or_else(|error| error.chain(), |look| look.to_string());
                return violated(format!("the fixture's target {} is not healthy: {seen}", stage.target));
            }
        }
    }

    pub(crate) async fn handle(&self) -> Result<Arc<dyn Target>> {
        self.provider.resolve(&self.target).await?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "the target does not resolve").with("target", &self.target)
        })
    }

    pub(crate) async fn group(&self) -> Result<Group> {
        self.provider.group(&self.target.group()).await
    }

    pub(crate) async fn look(&self) -> Result<Look> {
        let health = match self.provider.resolve(&self.target).await? {
            Some(target) => target.health().await?,
            None => Health::Gone,
        };
        let group = self.group().await?;
        Ok(Look {
            health,
            incarnation: group.member(&self.target).and_then(|member| member.incarnation.clone()),
        })
    }

    async fn listed_health(&self) -> Result<Health> {
        let group = self.group().await?;
        Ok(group.member(&self.target).map_or(Health::Gone, |member| member.health))
    }

    /// Waits until a fresh look satisfies `arrived`.
    pub(crate) async fn until(&self, what: &str, arrived: impl Fn(&Look) -> bool) -> Checked<Look> {
        let watch = self.timing.watch_settling();
        loop {
            let seen = self.look().await;
            if let Ok(look) = &seen
                && arrived(look)
            {
                return Ok(look.clone());
            }
            if !watch.again().await {
                let seen = seen.map_or_else(|error| error.chain(), |look| look.to_string());
                return violated(format!(
                    "{what}; after {:?} the target was {seen}",
                    self.timing.settle_limit()
                ));
            }
        }
    }

    /// Waits until the target is gone, or another incarnation has taken its place.
    pub(crate) async fn until_ended(&self, before: &Look) -> Checked {
        let ended = |look: &Look| {
            let is_replaced = before.incarnation.is_some() && look.incarnation != before.incarnation;
            look.health == Health::Gone || is_replaced
        };
        self.until("terminate did not end the target", ended).await.map(|_| ())
    }

    /// Checks for a while that the target does not change.
    pub(crate) async fn stays(&self, before: &Look, what: &str) -> Checked {
        let watch = self.timing.watch_quiet();
        loop {
            let look = self.look().await?;
            if look != *before {
                return violated(format!("{what}: it was {before} and is {look}"));
            }
            if !watch.again().await {
                return Ok(());
            }
        }
    }

    /// A look at the target after which it did not change for a while.
    pub(crate) async fn settled(&self) -> Checked<Look> {
        let watch = self.timing.watch_settling();
        loop {
            let look = self.look().await?;
            match self.stays(&look, "the target does not settle").await {
                Ok(()) => return Ok(look),
                Err(unsettled) if !watch.again().await => return Err(unsettled),
                Err(_) => {}
            }
        }
    }

    /// Waits until the target, or the group if it has replaced the target, is as healthy as before.
    pub(crate) async fn whole_again(&self, healthy_before: usize) -> Checked {
        let watch = self.timing.watch_settling();
        loop {
            let look = self.look().await?;
            let healthy = self.group().await?.healthy();
            let is_back = match look.health {
                Health::Healthy => true,
                Health::Gone => healthy >= healthy_before,
                _ => false,
            };
            if is_back {
                return Ok(());
            }
            if !watch.again().await {
                return violated(format!(
                    "the target is not back: it is {look}, and {healthy} of {healthy_before} members are healthy"
                ));
            }
        }
    }

    /// An unleashed monkey that allows one fault, regardless of the rest of the group.
    pub(crate) fn monkey(&self, journal: impl Journal, registry: Registry) -> Result<Monkey> {
        self.monkey_over(Arc::clone(&self.provider), journal, registry, self.retry())
    }

    pub(crate) fn monkey_over(
        &self,
        provider: impl Provider,
        journal: impl Journal,
        registry: Registry,
        retry: RetryPolicy,
    ) -> Result<Monkey> {
        self.builder(provider).retry(retry).unleash(journal, registry).build()
    }

    /// The blast radius of a monkey that allows one fault, regardless of the rest of the group.
    pub(crate) fn builder(&self, provider: impl Provider) -> MonkeyBuilder {
        Monkey::builder()
            .provider(provider)
            .clock(Arc::clone(self.timing.clock()))
            .blast_radius(BlastRadius::default().min_healthy(0))
            .discovery_limit(self.timing.settle_limit())
            .retry(self.retry())
            .seed(0)
    }

    pub(crate) fn retry(&self) -> RetryPolicy {
        let mut retry = RetryPolicy::default();
        retry.budget = self.timing.fault_limit();
        retry.first_wait = self.timing.poll_interval();
        retry.longest_wait = self.timing.poll_interval().saturating_mul(8);
        retry.settle = self.timing.quiet_span();
        retry
    }
}

/// Why a run injected nothing, for a violation.
pub(crate) fn why_nothing(report: &RunReport) -> String {
    let targets = report
        .plan
        .groups
        .iter()
        .flat_map(|group| &group.targets)
        .map(|target| format!("{}: {:?}", target.id, target.decision));
    report.why_nothing().into_iter().chain(targets).collect::<Vec<_>>().join("; ")
}
