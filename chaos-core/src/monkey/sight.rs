//! The looks that concurrent victims share: at their group, and at the journal's pending faults. If each victim read
//! and counted all of it, the work would grow with the square of their number.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
};

use crate::{
    clock::Clock,
    contain::contained,
    error::{Error, ErrorKind, Result},
    group::{Group, GroupId, Member, TargetId},
    journal::{Found, Journal},
    listing::Together,
    plan::{
        BlastRadius, FailureDomain, Reason, Victim,
        rules::{Faults, Room, capacity_under_fault},
    },
};

/// The last looks of a monkey, shared by concurrent callers.
#[derive(Debug)]
pub(super) struct Sights {
    groups: Together<GroupId, Result<Arc<Group>, Reason>>,
    pending: Together<(), Arc<UnderFault>>,
    /// The latest look at each group, while it is in use.
    latest: Mutex<HashMap<GroupId, Weak<Sight>>>,
}

/// A look at a group, with the pending faults of the journal at that time, and the conclusions from both.
#[derive(Debug)]
pub(super) struct Sight {
    pub(super) group: Arc<Group>,
    under_fault: Arc<UnderFault>,
    room: OnceLock<Room>,
    /// Whether another failure domain is spared when the one with this name is hit.
    spared: Mutex<HashMap<String, bool>>,
    /// For the group as it was planned.
    beside: Mutex<Option<Beside>>,
}

/// A sight beside the group as it was planned.
#[derive(Clone, Debug)]
struct Beside {
    planned: Arc<Group>,
    as_before: Arc<Group>,
    capacity_under_fault: usize,
}

/// The pending faults of the journal.
#[derive(Debug)]
pub(super) struct UnderFault {
    targets: HashSet<TargetId>,
    by_group: HashMap<GroupId, Vec<TargetId>>,
    /// The number of entries without a readable target.
    somewhere: usize,
}

impl Sights {
    pub(super) fn at(clock: &Arc<dyn Clock>) -> Self {
        Self {
            groups: Together::new(Arc::clone(clock)),
            pending: Together::new(Arc::clone(clock)),
            latest: Mutex::default(),
        }
    }

    /// The victim's group as it is now, its members in order.
    pub(super) async fn group(&self, victim: &Victim) -> Result<Result<Arc<Group>, Reason>> {
        let (provider, id) = (Arc::clone(&victim.provider), victim.group.id.clone());
        let look = || async move {
            let mut group = contained("the provider", async { provider.group(&id).await }).await?;
            if group.id != id {
                let what = "the provider answered with a different group than the one requested";
                return Err(Error::new(ErrorKind::Other, what).with("asked", id).with("found", &group.id));
            }
            Ok(group.put_in_order().map(|()| Arc::new(group)))
        };
        self.groups.ask(victim.group.id.clone(), look).await
    }

    /// The targets that are under a fault now, by the journal.
    pub(super) async fn under_fault(&self, journal: &Arc<dyn Journal>) -> Result<Arc<UnderFault>> {
        let journal = Arc::clone(journal);
        let look = || async move { Ok(Arc::new(UnderFault::by(journal.pending().await?))) };
        self.pending.ask((), look).await
    }

    /// Both together.
    pub(super) fn sight(&self, group: Arc<Group>, under_fault: Arc<UnderFault>) -> Arc<Sight> {
        let mut latest = locked(&self.latest);
        let is_same = |sight: &Arc<Sight>| {
            Arc::ptr_eq(&sight.group, &group) && Arc::ptr_eq(&sight.under_fault, &under_fault)
        };
        if let Some(same) = latest.get(&group.id).and_then(Weak::upgrade).filter(is_same) {
            return same;
        }
        if latest.len() == latest.capacity() {
            latest.retain(|_, sight| sight.strong_count() > 0);
        }
        let id = group.id.clone();
        let sight = Arc::new(Sight {
            group,
            under_fault,
            room: OnceLock::new(),
            spared: Mutex::default(),
            beside: Mutex::default(),
        });
        latest.insert(id, Arc::downgrade(&sight));
        sight
    }
}

impl Sight {
    /// The part of the group that may still be hit.
    pub(super) fn room(&self, blast_radius: &BlastRadius) -> &Room {
        self.room.get_or_init(|| {
            let faults = Faults { elsewhere: 0, somewhere: self.under_fault.somewhere };
            Room::of(blast_radius, &self.group, faults, |member| self.is_faulty(member), |_| true)
        })
    }

    /// Whether a sound domain would be left if all of the domain `hit` were gone.
    pub(super) fn spares_another(&self, domain: &FailureDomain, hit: &str) -> bool {
        let mut spared = locked(&self.spared);
        if let Some(spared) = spared.get(hit) {
            return *spared;
        }
        let is_spared = domain.spares_another(hit, &self.group.members, |member| self.is_faulty(member));
        spared.insert(hit.to_owned(), is_spared);
        is_spared
    }

    /// The capacity of the victim's group that is under faults.
    pub(super) fn capacity_under_fault(&self, victim: &Victim) -> usize {
        self.beside(&victim.group).capacity_under_fault
    }

    /// The group as it is now, except that members under a fault are as they were before the run. So all victims are
    /// measured against the same whole.
    pub(super) fn as_before(&self, victim: &Victim) -> Arc<Group> {
        let own = victim.target.id();
        match self.under_fault.targets.contains(own) {
            false => self.beside(&victim.group).as_before,
            true => self.with_those_before(&victim.group, Some(own)),
        }
    }

    fn beside(&self, planned: &Arc<Group>) -> Beside {
        let mut beside = locked(&self.beside);
        if let Some(same) = beside.as_ref().filter(|beside| Arc::ptr_eq(&beside.planned, planned)) {
            return same.clone();
        }
        let in_group = self.under_fault.by_group.get(&self.group.id).map_or(&[][..], Vec::as_slice);
        let somewhere = self.under_fault.somewhere;
        let now = Beside {
            planned: Arc::clone(planned),
            as_before: self.with_those_before(planned, None),
            capacity_under_fault: capacity_under_fault(&[planned, &self.group], in_group.iter(), somewhere),
        };
        beside.insert(now).clone()
    }

    fn with_those_before(&self, planned: &Group, but: Option<&TargetId>) -> Arc<Group> {
        let is_hit = |member: &&Member| Some(member.target.id()) != but && self.is_faulty(member);
        let before: Vec<&Member> = planned.members.iter().filter(is_hit).collect();
        if before.is_empty() {
            return Arc::clone(&self.group);
        }
        let replaced: HashSet<&TargetId> = before.iter().map(|member| member.target.id()).collect();
        let mut group = Group::clone(&self.group);
        group.members.retain(|member| !replaced.contains(member.target.id()));
        group.members.extend(before.into_iter().cloned());
        Arc::new(group)
    }

    fn is_faulty(&self, member: &Member) -> bool {
        // Most runs meet an empty journal: no hash is computed for all the members then.
        let targets = &self.under_fault.targets;
        !targets.is_empty() && targets.contains(member.target.id())
    }
}

impl UnderFault {
    fn by(pending: Found) -> Self {
        let entries = pending.faults.len() + pending.unreadable.len();
        let unreadable = pending.unreadable.into_iter().filter_map(|entry| entry.target);
        let mut told = 0;
        let (mut targets, mut by_group) = (HashSet::new(), HashMap::<_, Vec<_>>::new());
        for target in pending.faults.into_iter().map(|fault| fault.target).chain(unreadable) {
            told += 1;
            if targets.insert(target.clone()) {
                by_group.entry(target.group()).or_default().push(target);
            }
        }
        Self { targets, by_group, somewhere: entries - told }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
