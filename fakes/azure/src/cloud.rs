//! The state of the fake: all resources, and the operations in progress.

use std::{collections::BTreeMap, net::Ipv4Addr};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use tokio::runtime::Handle;

use super::{
    access::{Asked, Role, linked_refusal},
    answer::Answer,
    call::Call,
    chaos_studio::Experiment,
    directory::Directory,
    guest::Guests,
    machine::Machine,
    metric::Metric,
    network::{Interface, SecurityGroup, Subnet},
    operation::{Failure, Operation, Pace, Provider, Status},
    resource_id::ResourceId,
    scale_set::ScaleSet,
    settings::Settings,
    timer::Timer,
    trouble::{Effect, Troubles},
    work::Work,
};

/// A subscription and the resource groups in it.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) tenant: String,
    /// The original spelling of each group's name, by its name in lower case.
    pub(crate) groups: BTreeMap<String, String>,
}

/// An availability set.
#[derive(Clone, Debug)]
pub(crate) struct AvailabilitySet {
    pub(crate) id: ResourceId,
    pub(crate) location: String,
    pub(crate) tags: Map<String, Value>,
    pub(crate) fault_domains: u32,
    pub(crate) update_domains: u32,
}

/// The whole state. The keys of all maps of resources are [`ResourceId::key`].
#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) endpoint: String,
    pub(crate) now: Timestamp,
    pub(crate) settings: Settings,
    pub(crate) directory: Directory,
    pub(crate) role: Role,
    pub(crate) troubles: Troubles,
    /// The effect of trouble on the operation that the current request begins.
    pub(crate) next_operation: Option<Effect>,
    pub(crate) subscriptions: BTreeMap<String, Subscription>,
    pub(crate) availability_sets: BTreeMap<String, AvailabilitySet>,
    pub(crate) scale_sets: BTreeMap<String, ScaleSet>,
    pub(crate) machines: BTreeMap<String, Machine>,
    pub(crate) interfaces: BTreeMap<String, Interface>,
    pub(crate) security_groups: BTreeMap<String, SecurityGroup>,
    pub(crate) subnets: BTreeMap<String, Subnet>,
    pub(crate) experiments: BTreeMap<String, Experiment>,
    /// By resource, then by name in lower case.
    pub(crate) metrics: BTreeMap<String, BTreeMap<String, Metric>>,
    pub(crate) operations: BTreeMap<String, Operation>,
    pub(crate) timers: Vec<(Timestamp, Timer)>,
    pub(crate) guests: Guests,
    made: u64,
    next_address: u32,
}

impl Cloud {
    /// `runtime` is the one that the fake serves from.
    pub(crate) fn new(endpoint: String, now: Timestamp, runtime: Handle) -> Self {
        Self {
            endpoint,
            now,
            settings: Settings::default(),
            directory: Directory::new(),
            role: Role::owner(),
            troubles: Troubles::default(),
            next_operation: None,
            subscriptions: BTreeMap::new(),
            availability_sets: BTreeMap::new(),
            scale_sets: BTreeMap::new(),
            machines: BTreeMap::new(),
            interfaces: BTreeMap::new(),
            security_groups: BTreeMap::new(),
            subnets: BTreeMap::new(),
            experiments: BTreeMap::new(),
            metrics: BTreeMap::new(),
            operations: BTreeMap::new(),
            timers: Vec::new(),
            guests: Guests::new(runtime),
            made: 0,
            next_address: u32::from(Ipv4Addr::new(10, 0, 0, 4)),
        }
    }

    /// Ends all operations and timers that are due by `now`.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        self.now = now;
        let due: Vec<String> = self
            .operations
            .values()
            .filter(|operation| self.is_due(operation))
            .map(|operation| operation.id.clone())
            .collect();
        for id in due {
            self.end(&id);
        }
        while let Some(index) = self.timers.iter().position(|(at, _)| *at <= now) {
            let (_, timer) = self.timers.swap_remove(index);
            timer.ring(self);
        }
    }

    /// An id that looks like a random one and is the same each time.
    pub(crate) fn fresh_id(&mut self) -> String {
        self.made += 1;
        let scattered = self.made.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!(
            "{:08x}-{:04x}-4000-8000-{:012x}",
            scattered >> 32,
            (scattered >> 16) & 0xffff,
            self.made & 0xffff_ffff_ffff
        )
    }

    pub(crate) fn fresh_etag(&mut self) -> String {
        format!("W/\"{}\"", self.fresh_id())
    }

    /// The next address of the one network that all machines are in.
    pub(crate) fn fresh_address(&mut self) -> String {
        let next = self.next_address;
        self.next_address += 1;
        Ipv4Addr::from(next).to_string()
    }

    pub(crate) fn ensure_subscription(&mut self, id: &str, tenant: &str) -> &mut Subscription {
        self.subscriptions.entry(id.to_lowercase()).or_insert_with(|| Subscription {
            id: id.to_owned(),
            tenant: tenant.to_owned(),
            groups: BTreeMap::new(),
        })
    }

    /// The group's name in the spelling with which it was created.
    pub(crate) fn ensure_group(&mut self, subscription: &str, group: &str) -> String {
        let subscription = self.ensure_subscription(subscription, Directory::TENANT);
        subscription.groups.entry(group.to_lowercase()).or_insert_with(|| group.to_owned()).clone()
    }

    /// Sets a timer to this many milliseconds from now.
    pub(crate) fn after(&mut self, milliseconds: u64, timer: Timer) {
        let span = SignedDuration::from_millis(i64::try_from(milliseconds).unwrap_or(i64::MAX));
        self.timers.push((self.now.checked_add(span).unwrap_or(Timestamp::MAX), timer));
    }

    /// Begins an operation whose effect is `work`, and returns its id.
    pub(crate) fn begin(
        &mut self,
        call: &Call,
        provider: Provider,
        location: &str,
        mut work: Work,
    ) -> String {
        work.begin(self);
        let (failure, pace) = match self.next_operation.take() {
            Some(Effect::FailOperation { code, message, takes_effect }) => {
                (Some(Failure { code, message, takes_effect }), self.settings.pace)
            }
            Some(Effect::HangOperation) => (None, Pace::Never),
            _ => (None, self.settings.pace),
        };
        let id = self.fresh_id();
        let operation = Operation {
            id: id.clone(),
            provider,
            subscription: call.segments.get(1).cloned().unwrap_or_default(),
            location: location.to_owned(),
            api_version: call.parameter("api-version").unwrap_or_default().to_owned(),
            began: self.now,
            ended: None,
            status: Status::InProgress,
            pace,
            polls: 0,
            work: Some(work),
            failure,
            output: None,
        };
        self.operations.insert(id.clone(), operation);
        id
    }

    /// Adds the addresses of the operation's status to the answer.
    pub(crate) fn started(&mut self, answer: Answer, id: &str) -> Answer {
        let Some(operation) = self.operations.get(id) else { return answer };
        let place = |path: String| format!("{}{path}", self.endpoint);
        let mut answer = answer
            .header("azure-asyncoperation", place(operation.provider.status_place(operation)))
            .header("retry-after", self.settings.retry_after_seconds.to_string());
        if answer.status == 202 {
            answer = answer.header("location", place(operation.provider.result_place(operation)));
        }
        if self.is_due(operation) {
            self.end(id);
        }
        answer
    }

    /// Begins an operation and answers that it was accepted.
    pub(crate) fn accept(&mut self, call: &Call, provider: Provider, location: &str, work: Work) -> Answer {
        let id = self.begin(call, provider, location, work);
        self.started(Answer::empty(202), &id)
    }

    /// Ends the operations in progress that a newer one on this machine takes over from.
    pub(crate) fn preempt(&mut self, machine: &str) {
        let now = self.now;
        for operation in self.operations.values_mut().filter(|operation| !operation.is_over()) {
            if operation.work.as_ref().is_some_and(|work| work.is_on(machine)) {
                operation.work = None;
                operation.ended = Some(now);
                operation.status = Status::Canceled;
            }
        }
    }

    /// The operation, polled once more.
    pub(crate) fn poll(&mut self, id: &str) -> Option<&Operation> {
        let operation = self.operations.get_mut(id)?;
        operation.polls = operation.polls.saturating_add(1);
        if self.operations.get(id).is_some_and(|operation| self.is_due(operation)) {
            self.end(id);
        }
        self.operations.get(id)
    }

    /// 403 if the role does not allow this action on another resource that the request names.
    pub(crate) fn check_linked(&self, call: &Call, action: &str, scope: &str) -> Result<(), Answer> {
        match Asked::of(call) {
            Some(asked) if !self.role.allows(action, scope) => Err(linked_refusal(&asked, action, scope)),
            _ => Ok(()),
        }
    }

    fn is_due(&self, operation: &Operation) -> bool {
        if operation.is_over() {
            return false;
        }
        match &operation.work {
            Some(Work::Script { machine, script, .. }) if operation.pace != Pace::Never => {
                let heard = self.machines.get(machine).is_some_and(|machine| self.hears_from(machine));
                let is_over = match script {
                    Some(Ok(script)) => match script.outcome() {
                        Some(Ok(())) => heard,
                        Some(Err(_)) => true,
                        None => false,
                    },
                    Some(Err(_)) => true,
                    None => false,
                };
                is_over || operation.has_lasted(self.settings.script_limit_milliseconds, self.now)
            }
            _ => operation.is_due(self.now),
        }
    }

    fn end(&mut self, id: &str) {
        let Some(operation) = self.operations.get_mut(id) else { return };
        operation.ended = Some(self.now);
        let (work, failure) = (operation.work.take(), operation.failure.clone());
        let Some(work) = work else { return };
        let takes_effect = failure.as_ref().is_none_or(|failure| failure.takes_effect);
        let outcome = work.end(self, takes_effect, failure.is_none());
        let Some(operation) = self.operations.get_mut(id) else { return };
        operation.status = match failure.or(outcome.failure) {
            Some(failure) => Status::Failed(failure),
            None => Status::Succeeded,
        };
        operation.output = outcome.output;
    }
}
