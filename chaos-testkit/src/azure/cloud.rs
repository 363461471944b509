//! The state of the fake: all resources, and the operations under way.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::{
    answer::Answer,
    call::Call,
    machine::{Machine, PowerState},
    operation::{Operation, Pace, Status},
    resource_id::ResourceId,
    settings::Settings,
    work::Work,
};

/// A subscription and the resource groups in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subscription {
    /// By their lower-case names: as they are written.
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

/// Everything. All maps go by [`ResourceId::key`].
#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) endpoint: String,
    pub(crate) now: Timestamp,
    pub(crate) settings: Settings,
    pub(crate) subscriptions: BTreeMap<String, Subscription>,
    pub(crate) availability_sets: BTreeMap<String, AvailabilitySet>,
    pub(crate) machines: BTreeMap<String, Machine>,
    pub(crate) operations: BTreeMap<String, Operation>,
    made: u64,
}

impl Cloud {
    pub(crate) fn new(endpoint: String, now: Timestamp) -> Self {
        Self {
            endpoint,
            now,
            settings: Settings::default(),
            subscriptions: BTreeMap::new(),
            availability_sets: BTreeMap::new(),
            machines: BTreeMap::new(),
            operations: BTreeMap::new(),
            made: 0,
        }
    }

    /// Ends what has come to its end by `now`.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        self.now = now;
        let due: Vec<String> = self
            .operations
            .values()
            .filter(|operation| !operation.is_over() && operation.is_due(now))
            .map(|operation| operation.id.clone())
            .collect();
        for id in due {
            self.end(&id);
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

    /// The group's name as whoever made it wrote it.
    pub(crate) fn ensure_group(&mut self, subscription: &str, group: &str) -> String {
        let subscription = self.subscriptions.entry(subscription.to_lowercase()).or_default();
        subscription.groups.entry(group.to_lowercase()).or_insert_with(|| group.to_owned()).clone()
    }

    /// Begins an operation whose effect is `work`, and answers that it was accepted.
    pub(crate) fn accept(&mut self, call: &Call, namespace: &str, location: &str, mut work: Work) -> Answer {
        work.begin(self);
        let id = self.fresh_id();
        let subscription = call.segments.get(1).cloned().unwrap_or_default();
        let operation = Operation {
            place: format!(
                "/subscriptions/{subscription}/providers/{namespace}/locations/{location}/operations/{id}"
            ),
            api_version: call.parameter("api-version").unwrap_or_default().to_owned(),
            began: self.now,
            ended: None,
            status: Status::InProgress,
            pace: self.settings.pace,
            polls: 0,
            work: Some(work),
            failure: None,
            output: None,
            id,
        };
        let answer = self.accepted(&operation);
        let at_once = operation.pace == Pace::Polls(0);
        let id = operation.id.clone();
        self.operations.insert(id.clone(), operation);
        if at_once {
            self.end(&id);
        }
        answer
    }

    fn accepted(&self, operation: &Operation) -> Answer {
        let place = format!("{}{}?api-version={}", self.endpoint, operation.place, operation.api_version);
        Answer::empty(202)
            .header("azure-asyncoperation", place.clone())
            .header("location", format!("{place}&monitor=true"))
            .header("retry-after", self.settings.retry_after_seconds.to_string())
    }

    /// Ends those of the operations under way whose work is on this machine, as a newer one does.
    pub(crate) fn preempt(&mut self, machine: &str) {
        let now = self.now;
        for operation in self.operations.values_mut().filter(|operation| !operation.is_over()) {
            if operation.work.as_ref().is_some_and(|work| work.preemptible_on(machine)) {
                operation.work = None;
                operation.ended = Some(now);
                operation.status = Status::Canceled;
            }
        }
    }

    fn end(&mut self, id: &str) {
        let Some(operation) = self.operations.get_mut(id) else { return };
        let work = operation.work.take();
        let failure = operation.failure.clone();
        operation.ended = Some(self.now);
        operation.status = match &failure {
            None => Status::Succeeded,
            Some((code, message)) => Status::Failed { code: code.clone(), message: message.clone() },
        };
        if let Some(work) = work {
            if failure.is_some() { work.fail(self) } else { work.finish(self) }
        }
    }

    /// How many replies to questions about operations ask to wait that long; counts one of them.
    pub(crate) fn poll(&mut self, id: &str) -> Option<&Operation> {
        let operation = self.operations.get_mut(id)?;
        operation.polls = operation.polls.saturating_add(1);
        if !operation.is_over() && operation.is_due(self.now) {
            self.end(id);
        }
        self.operations.get(id)
    }

    /// Sets what a machine is said to be.
    pub(crate) fn set_power(&mut self, machine: &str, power: PowerState) {
        if let Some(machine) = self.machines.get_mut(machine) {
            machine.power = power;
        }
    }

    /// `milliseconds` before now.
    pub(crate) fn before(&self, milliseconds: u64) -> Timestamp {
        let span = SignedDuration::from_millis(i64::try_from(milliseconds).unwrap_or(i64::MAX));
        self.now.checked_sub(span).unwrap_or(Timestamp::MIN)
    }
}
