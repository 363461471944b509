//! What AWS said a moment ago of the groups and the instances of a region.
//!
//! Several victims of one group are looked at again at about the same time, each with all their fellow members, and each several
//! times before it is injected into and after. Their descriptions are by far the largest of all answers, groups are what AWS allows
//! the fewest questions about, and asking again within moments would tell nothing new: EC2 itself is consistent only after seconds,
//! and a group learns of its instances after half a minute. A target that is asked how it is asks EC2 in any case.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_sdk_autoscaling::types::AutoScalingGroup;
use chaos_core::Clock;
use jiff::{SignedDuration, Timestamp};

use crate::machine::Machine;

/// How long an answer is as good as a new one, from when it was asked for.
const FRESH: SignedDuration = SignedDuration::from_millis(250);

/// The groups and instances that were looked up, and what this provider has changed.
#[derive(Debug, Default)]
pub(crate) struct RecentlySeen(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    machines: Answers<Machine>,
    groups: Answers<AutoScalingGroup>,
    /// When the last order to change an instance was over: what was asked for before that is old.
    changed: HashMap<String, Timestamp>,
    /// The same of an order that may have changed any of them.
    all_changed: Option<Timestamp>,
}

/// What was answered, by its name, and when it was asked for.
#[derive(Debug)]
struct Answers<T>(HashMap<String, (Timestamp, Arc<T>)>);

impl RecentlySeen {
    /// Those of `ids` that need not be looked up.
    pub(crate) fn machines(&self, ids: &[String], clock: &dyn Clock) -> BTreeMap<String, Arc<Machine>> {
        let now = clock.now();
        let state = self.state();
        let fresh = |id: &String| state.machines.fresh(id, now).map(|(_, machine)| (id.clone(), machine));
        ids.iter().filter_map(fresh).collect()
    }

    /// Keeps what was answered to a question that was asked at `asked`, and nothing that is old.
    pub(crate) fn keep_machines(&self, machines: &[Arc<Machine>], asked: Timestamp, clock: &dyn Clock) {
        let mut state = self.state();
        for machine in machines {
            if !state.is_old(&machine.id, asked) {
                state.machines.keep(&machine.id, asked, machine);
            }
        }
        state.tidy(clock.now());
    }

    /// The group of this name, where it need not be looked up.
    pub(crate) fn group(&self, name: &str, clock: &dyn Clock) -> Option<Arc<AutoScalingGroup>> {
        let state = self.state();
        let (asked, group) = state.groups.fresh(name, clock.now())?;
        let mut members = group.instances().iter().filter_map(|member| member.instance_id());
        (!members.any(|id| state.is_old(id, asked))).then_some(group)
    }

    /// Keeps what was answered to a question that was asked at `asked`, and nothing that is old.
    pub(crate) fn keep_groups(&self, groups: &[Arc<AutoScalingGroup>], asked: Timestamp, clock: &dyn Clock) {
        let mut state = self.state();
        if state.all_changed.is_some_and(|changed| changed >= asked) {
            return;
        }
        for group in groups {
            if let Some(name) = group.auto_scaling_group_name() {
                state.groups.keep(name, asked, group);
            }
        }
        state.tidy(clock.now());
    }

    /// An order to change this instance is over, however it ended.
    pub(crate) fn forget(&self, id: &str, clock: &dyn Clock) {
        let mut state = self.state();
        state.machines.0.remove(id);
        state.changed.insert(id.to_owned(), clock.now());
    }

    /// An order that may change anything is over, or what it has begun was seen to go on or to end.
    pub(crate) fn forget_all(&self, clock: &dyn Clock) {
        let mut state = self.state();
        (state.machines, state.groups) = Default::default();
        state.all_changed = Some(clock.now());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether what was asked for at `asked` tells of this instance as it was before an order.
    fn is_old(&self, id: &str, asked: Timestamp) -> bool {
        self.changed.get(id).copied().max(self.all_changed).is_some_and(|changed| changed >= asked)
    }

    fn tidy(&mut self, now: Timestamp) {
        self.machines.tidy(now);
        self.groups.tidy(now);
        // One from a moment that is still to come, by a clock that was set back, counts on.
        self.changed.retain(|_, at| now.duration_since(*at) < FRESH);
    }
}

impl<T> Answers<T> {
    fn fresh(&self, name: &str, now: Timestamp) -> Option<(Timestamp, Arc<T>)> {
        self.0.get(name).filter(|(asked, _)| is_fresh(*asked, now)).cloned()
    }

    /// Unless there is a later one.
    fn keep(&mut self, name: &str, asked: Timestamp, answer: &Arc<T>) {
        if self.0.get(name).is_none_or(|(before, _)| *before <= asked) {
            self.0.insert(name.to_owned(), (asked, Arc::clone(answer)));
        }
    }

    fn tidy(&mut self, now: Timestamp) {
        self.0.retain(|_, (asked, _)| is_fresh(*asked, now));
    }
}

impl<T> Default for Answers<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

/// Whether what was asked for at `asked` is as good as new. A clock that was set back makes everything old.
fn is_fresh(asked: Timestamp, now: Timestamp) -> bool {
    (SignedDuration::ZERO..FRESH).contains(&now.duration_since(asked))
}

#[cfg(test)]
mod tests {
    use aws_sdk_autoscaling::types::Instance;
    use chaos_core::ManualClock;

    use super::*;

    fn clock() -> ManualClock {
        ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap())
    }

    fn pass(clock: &ManualClock) {
        clock.jump(SignedDuration::from_millis(1));
    }

    fn machine(id: &str) -> Arc<Machine> {
        Arc::new(Machine::of(aws_sdk_ec2::types::Instance::builder().instance_id(id).build()).unwrap())
    }

    fn found(recent: &RecentlySeen, clock: &ManualClock) -> Vec<String> {
        let ids = ["i-a".to_owned(), "i-b".to_owned(), "i-c".to_owned()];
        recent.machines(&ids, clock).into_keys().collect()
    }

    /// A group `web` of these members.
    fn web(members: &[&str]) -> [Arc<AutoScalingGroup>; 1] {
        let members = members.iter().map(|id| Instance::builder().instance_id(*id).build()).collect();
        let group = AutoScalingGroup::builder().auto_scaling_group_name("web");
        [Arc::new(group.set_instances(Some(members)).build())]
    }

    /// How many members the group is known to have.
    fn known(recent: &RecentlySeen, clock: &ManualClock) -> Option<usize> {
        recent.group("web", clock).map(|group| group.instances().len())
    }

    #[test]
    fn an_answer_is_as_good_as_a_new_one_for_a_moment() {
        let (clock, recent) = (clock(), RecentlySeen::default());
        recent.keep_machines(&[machine("i-a"), machine("i-b")], clock.now(), &clock);
        recent.keep_groups(&web(&["i-a"]), clock.now(), &clock);
        assert!(recent.group("db", &clock).is_none());
        clock.jump(FRESH - SignedDuration::from_millis(1));
        assert_eq!((found(&recent, &clock).len(), known(&recent, &clock)), (2, Some(1)));
        pass(&clock);
        assert_eq!((found(&recent, &clock).len(), known(&recent, &clock)), (0, None));
        // The answers took too long.
        let asked = clock.now();
        clock.jump(FRESH);
        recent.keep_machines(&[machine("i-c")], asked, &clock);
        recent.keep_groups(&web(&["i-a"]), asked, &clock);
        assert_eq!((found(&recent, &clock).len(), known(&recent, &clock)), (0, None));
        let state = recent.state();
        assert!(state.machines.0.is_empty() && state.groups.0.is_empty(), "nothing old is kept");
    }

    #[test]
    fn what_was_changed_is_looked_up_again_and_answers_from_before_do_not_count() {
        let (clock, recent) = (clock(), RecentlySeen::default());
        let asked = clock.now();
        recent.keep_machines(&[machine("i-a"), machine("i-b")], asked, &clock);
        recent.keep_groups(&web(&["i-a"]), asked, &clock);
        recent.forget("i-b", &clock);
        assert_eq!((found(&recent, &clock), known(&recent, &clock)), (vec!["i-a".to_owned()], Some(1)));
        recent.forget("i-a", &clock);
        recent.keep_machines(&[machine("i-a"), machine("i-b")], asked, &clock);
        recent.keep_groups(&web(&["i-a"]), asked, &clock);
        assert_eq!((found(&recent, &clock).len(), known(&recent, &clock)), (0, None));
        pass(&clock);
        recent.keep_machines(&[machine("i-a")], clock.now(), &clock);
        recent.keep_groups(&web(&["i-a"]), clock.now(), &clock);
        assert_eq!((found(&recent, &clock).len(), known(&recent, &clock)), (1, Some(1)));
    }

    #[test]
    fn an_order_that_may_change_anything_makes_everything_old() {
        let (clock, recent) = (clock(), RecentlySeen::default());
        let asked = clock.now();
        let keep = |asked| {
            recent.keep_machines(&[machine("i-a")], asked, &clock);
            recent.keep_groups(&web(&["i-b"]), asked, &clock);
            (found(&recent, &clock).len(), known(&recent, &clock))
        };
        assert_eq!(keep(asked), (1, Some(1)));
        recent.forget_all(&clock);
        assert_eq!((found(&recent, &clock).len(), known(&recent, &clock)), (0, None));
        assert_eq!(keep(asked), (0, None), "it was asked for before the order was over");
        pass(&clock);
        assert_eq!(keep(clock.now()), (1, Some(1)));
    }

    #[test]
    fn an_answer_that_was_long_on_its_way_replaces_none_that_was_asked_for_later() {
        let (clock, recent) = (clock(), RecentlySeen::default());
        let earlier = clock.now();
        pass(&clock);
        recent.keep_groups(&web(&["i-a", "i-b"]), clock.now(), &clock);
        recent.keep_groups(&web(&["i-a"]), earlier, &clock);
        assert_eq!(known(&recent, &clock), Some(2));
    }

    #[test]
    fn a_clock_that_is_set_back_makes_everything_old() {
        let (clock, recent) = (clock(), RecentlySeen::default());
        let asked = clock.now();
        recent.keep_machines(&[machine("i-a")], asked, &clock);
        recent.keep_groups(&web(&["i-a"]), asked, &clock);
        clock.jump(SignedDuration::from_millis(100));
        recent.forget("i-b", &clock);
        clock.jump(SignedDuration::from_millis(-50));
        // By this clock the order is not over yet: what was asked for before it is old all the same.
        for _ in 0..2 {
            recent.keep_machines(&[machine("i-b")], asked, &clock);
        }
        assert_eq!(found(&recent, &clock), ["i-a"]);
        clock.jump(SignedDuration::from_millis(-51));
        assert_eq!((found(&recent, &clock).len(), known(&recent, &clock)), (0, None));
    }
}
