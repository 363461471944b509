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

/// The groups and instances that were looked up, and the instances that this library has changed.
#[derive(Debug, Default)]
pub(crate) struct RecentlySeen(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    seen: HashMap<String, (Timestamp, Arc<Machine>)>,
    groups: HashMap<String, (Timestamp, Arc<AutoScalingGroup>)>,
    /// When the last order to change it was over: what was asked for before that is old.
    changed: HashMap<String, Timestamp>,
}

impl RecentlySeen {
    /// Those of `ids` that need not be looked up.
    pub(crate) fn find(&self, ids: &[String], clock: &dyn Clock) -> BTreeMap<String, Arc<Machine>> {
        let now = clock.now();
        let state = self.state();
        let fresh = |id: &String| {
            let (at, machine) = state.seen.get(id)?;
            is_fresh(*at, now).then(|| (id.clone(), Arc::clone(machine)))
        };
        ids.iter().filter_map(fresh).collect()
    }

    /// Keeps what was answered to a question that was asked at `asked`, and nothing that is old.
    pub(crate) fn keep(&self, machines: &[Arc<Machine>], asked: Timestamp, clock: &dyn Clock) {
        let now = clock.now();
        let mut state = self.state();
        state.seen.retain(|_, (at, _)| is_fresh(*at, now));
        state.changed.retain(|_, at| is_fresh(*at, now));
        if !is_fresh(asked, now) {
            return;
        }
        for machine in machines {
            if state.changed.get(&machine.id).is_none_or(|changed| *changed < asked) {
                state.seen.insert(machine.id.clone(), (asked, Arc::clone(machine)));
            }
        }
    }

    /// The group of this name, and when it was asked for, where it need not be looked up.
    pub(crate) fn group(&self, name: &str, clock: &dyn Clock) -> Option<(Timestamp, Arc<AutoScalingGroup>)> {
        let now = clock.now();
        let state = self.state();
        let (at, group) = state.groups.get(name)?;
        let is_old = |id: &str| state.changed.get(id).is_some_and(|changed| changed >= at);
        let mut members = group.instances().iter().filter_map(|member| member.instance_id());
        (is_fresh(*at, now) && !members.any(is_old)).then(|| (*at, Arc::clone(group)))
    }

    /// Keeps what was answered to a question that was asked at `asked`, and nothing that is old.
    pub(crate) fn keep_groups(&self, groups: &[Arc<AutoScalingGroup>], asked: Timestamp, clock: &dyn Clock) {
        let now = clock.now();
        let mut state = self.state();
        state.groups.retain(|_, (at, _)| is_fresh(*at, now));
        if !is_fresh(asked, now) {
            return;
        }
        for group in groups {
            if let Some(name) = group.auto_scaling_group_name() {
                state.groups.insert(name.to_owned(), (asked, Arc::clone(group)));
            }
        }
    }

    /// An order to change this instance is over, however it ended.
    pub(crate) fn forget(&self, id: &str, clock: &dyn Clock) {
        let mut state = self.state();
        state.seen.remove(id);
        state.changed.insert(id.to_owned(), clock.now());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether what was asked for at `at` is as good as new. A clock that was set back makes everything old.
pub(crate) fn is_fresh(at: Timestamp, now: Timestamp) -> bool {
    (SignedDuration::ZERO..FRESH).contains(&now.duration_since(at))
}

#[cfg(test)]
mod tests {
    use aws_sdk_autoscaling::types::Instance;
    use chaos_core::ManualClock;

    use super::*;

    fn machine(id: &str) -> Arc<Machine> {
        Arc::new(Machine::of(aws_sdk_ec2::types::Instance::builder().instance_id(id).build()).unwrap())
    }

    fn found(recent: &RecentlySeen, clock: &ManualClock) -> Vec<String> {
        let ids = ["i-a".to_owned(), "i-b".to_owned(), "i-c".to_owned()];
        recent.find(&ids, clock).into_keys().collect()
    }

    #[test]
    fn an_answer_is_as_good_as_a_new_one_for_a_moment() {
        let clock = ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap());
        let recent = RecentlySeen::default();
        recent.keep(&[machine("i-a"), machine("i-b")], clock.now(), &clock);
        assert_eq!(found(&recent, &clock), ["i-a", "i-b"]);
        clock.jump(FRESH - SignedDuration::from_millis(1));
        assert_eq!(found(&recent, &clock), ["i-a", "i-b"]);
        clock.jump(SignedDuration::from_millis(1));
        assert!(found(&recent, &clock).is_empty());
        // The answer took too long.
        let asked = clock.now();
        clock.jump(FRESH);
        recent.keep(&[machine("i-c")], asked, &clock);
        assert!(found(&recent, &clock).is_empty());
        assert!(recent.state().seen.is_empty(), "nothing old is kept");
    }

    #[test]
    fn what_was_changed_is_looked_up_again_and_answers_from_before_do_not_count() {
        let clock = ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap());
        let recent = RecentlySeen::default();
        let asked = clock.now();
        recent.keep(&[machine("i-a"), machine("i-b")], asked, &clock);
        recent.forget("i-a", &clock);
        assert_eq!(found(&recent, &clock), ["i-b"]);
        recent.keep(&[machine("i-a")], asked, &clock);
        assert_eq!(found(&recent, &clock), ["i-b"], "it was asked for before the change was over");
        clock.jump(SignedDuration::from_millis(1));
        recent.keep(&[machine("i-a")], clock.now(), &clock);
        assert_eq!(found(&recent, &clock), ["i-a", "i-b"]);
    }

    #[test]
    fn a_group_is_asked_for_again_once_one_of_its_members_was_changed() {
        let clock = ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap());
        let recent = RecentlySeen::default();
        let member = Instance::builder().instance_id("i-a").build();
        let web = AutoScalingGroup::builder().auto_scaling_group_name("web").instances(member).build();
        let web = [Arc::new(web)];
        let is_known = || recent.group("web", &clock).is_some();
        let asked = clock.now();
        recent.keep_groups(&web, asked, &clock);
        assert_eq!(recent.group("web", &clock).map(|(at, _)| at), Some(asked));
        assert!(recent.group("db", &clock).is_none());
        recent.forget("i-b", &clock);
        assert!(is_known(), "that one is in another group");
        recent.forget("i-a", &clock);
        assert!(!is_known());
        recent.keep_groups(&web, asked, &clock);
        assert!(!is_known(), "it was asked for before the change was over");
        clock.jump(SignedDuration::from_millis(1));
        recent.keep_groups(&web, clock.now(), &clock);
        assert!(is_known());
        clock.jump(FRESH);
        assert!(!is_known());
        recent.keep_groups(&[], clock.now(), &clock);
        assert!(recent.state().groups.is_empty(), "nothing old is kept");
    }

    #[test]
    fn a_clock_that_is_set_back_makes_everything_old() {
        assert!(!is_fresh("2026-03-02T09:00:01Z".parse().unwrap(), "2026-03-02T09:00:00Z".parse().unwrap()));
    }
}
