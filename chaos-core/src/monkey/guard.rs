use std::{collections::HashSet, future::Future, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tracing::Span;

use super::{
    core::{Core, Cut},
    permission::may_undo,
};
use crate::{
    Active, Activity, Armed, Arming, BoxRecovery, Chosen, Clock, CutShort, Error, ErrorKind, Failure,
    FaultQuery, FaultRecord, Group, Health, Hold, Intended, Journal, Limits, Member, Prepared, Reason,
    Result, Scope,
    blast_radius::{Faults, Room, leaves_capacity},
    clock::{self, Deadline},
    contain::{contained, in_span, within},
    event::{Discovered, ScopeParts},
    plan::{Victim, provider_of},
};

/// How often whoever holds a fault asks the journal whether another process has halted everything, and the wall clock
/// whether the deadline has passed while the machine slept.
const POLL: Duration = Duration::from_secs(2);

/// How old a plan may be for an event to be prepared by what it saw. There is another look before the injection in any case.
const FRESH: SignedDuration = SignedDuration::from_secs(1);

/// How long observers may take to allow an injection.
const ASK_LIMIT: Duration = Duration::from_secs(30);

/// Which run a victim belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) seed: u64,
    pub(super) chosen: Chosen,
}

/// How a guarded task ended.
#[derive(Debug)]
pub(super) enum Guarded {
    Skipped(Reason),
    Ended(Box<FaultRecord>),
}

/// Takes care of one victim from the last look before the injection until it is back. Runs as a task of its own, so that
/// dropping the run cuts the hold short and nothing else.
pub(super) async fn guard(core: Arc<Core>, victim: Victim, run: Run, cut: Cut, span: Span) -> Guarded {
    // The span inside: a subscriber that panics ends no recovery.
    let attending = in_span(span, async { Ok(attend(&core, &victim, run, cut).await) });
    match contained("the guarded task", attending).await {
        Ok(guarded) => guarded,
        Err(error) => rescue(&core, &victim, &error).await,
    }
}

async fn attend(core: &Core, victim: &Victim, run: Run, mut cut: Cut) -> Guarded {
    let ready = tokio::select! {
        biased;
        reason = cut.wait() => return skip(core, victim, cut_reason(reason)),
        ready = async {
            let slot = core.slots.acquire().await;
            make_ready(core, victim, run).await.map(|ready| (slot, ready))
        } => ready,
    };
    let (slot, armed) = match ready {
        Ok((slot, ready)) => (slot, ready.arm(core).await),
        Err(reason) => return skip(core, victim, reason),
    };
    let armed = match armed {
        Ok(armed) => armed,
        Err(reason) => return skip(core, victim, reason),
    };
    let record = armed.record();
    core.tell(Activity::Armed {
        fault: record.id,
        target: record.target.clone(),
        event: record.event.clone(),
        deadline: record.deadline,
        by_hand: armed.by_hand(),
    });
    let mut active = inject(core, armed, &mut cut).await;
    if !victim.hold.is_momentary() {
        hold(core, &mut active, &mut cut).await;
    }
    let record = active.recover().await;
    drop(slot);
    Guarded::Ended(Box::new(record))
}

/// Something in the guarded task panicked that nobody had contained. Whatever it left behind is recovered here and now.
async fn rescue(core: &Arc<Core>, victim: &Victim, error: &Error) -> Guarded {
    let failure = Failure::from(error);
    let orphans = match core.safeguard() {
        Ok(safeguard) => safeguard.journal.orphans(core.parts.clock.now()).await.unwrap_or_default().faults,
        Err(_) => Vec::new(),
    };
    let left_behind = orphans.into_iter().find(|fault| fault.target == *victim.target.id());
    match left_behind {
        Some(fault) => {
            let mut record = replay(Arc::clone(core), fault, Span::none()).await;
            record.failure.get_or_insert(failure);
            Guarded::Ended(Box::new(record))
        }
        None => skip(core, victim, Reason::Doubt { failure }),
    }
}

/// Recovers one fault of an earlier process, or of a task that was lost.
pub(super) async fn replay(core: Arc<Core>, record: FaultRecord, span: Span) -> FaultRecord {
    let replaying = in_span(span, async { Ok(replay_once(&core, record.clone()).await) });
    match contained("the replay", replaying).await {
        Ok(ended) => ended,
        // A subscriber that panics ends no recovery.
        Err(_) => replay_once(&core, record).await,
    }
}

async fn replay_once(core: &Arc<Core>, record: FaultRecord) -> FaultRecord {
    let _slot = core.slots.acquire().await;
    if let Some(closed) = closed_meanwhile(core, &record).await {
        return closed;
    }
    let recovery = core.safeguard().and_then(|safeguard| safeguard.registry.read(&record.recovery));
    let by_hand = recovery.as_ref().ok().map(|recovery| recovery.by_hand(&record.target, record.id));
    core.tell(Activity::TakenOver {
        fault: record.id,
        target: record.target.clone(),
        event: record.event.clone(),
        armed_at: record.armed_at,
        by_hand: by_hand.clone(),
    });
    match recovery.and_then(|recovery| replayable(core, &record, recovery)) {
        Ok(active) => active.recover().await,
        Err(error) => {
            let (fault, target, failure) = (record.id, record.target.clone(), Failure::from(&error));
            core.tell(Activity::RecoveryFailed { fault, target, failure: failure.clone(), by_hand });
            let mut record = record;
            record.failure = Some(failure);
            record
        }
    }
}

/// The fault, where somebody else has recovered it since it was found pending: its target may be under another one by now.
async fn closed_meanwhile(core: &Core, record: &FaultRecord) -> Option<FaultRecord> {
    let journal = &core.safeguard().ok()?.journal;
    let found = journal.find(&FaultQuery::all().target(record.target.clone())).await.ok()?;
    found.faults.into_iter().find(|fault| fault.id == record.id && !fault.state.is_pending())
}

fn replayable(core: &Core, record: &FaultRecord, recovery: BoxRecovery) -> Result<Active> {
    let safeguard = core.safeguard()?;
    let provider = provider_of(&core.parts.providers, &record.target)?;
    let parts = ScopeParts {
        fault: record.id,
        event: record.event.clone(),
        seed: record.seed,
        target: record.target.clone(),
        provider: Arc::clone(provider),
        clock: Arc::clone(&core.parts.clock),
        deadline: Deadline::set(core.parts.clock.as_ref(), record.armed_at, record.deadline),
        hold: Hold::lasting(clock::until(record.armed_at, record.deadline)).unwrap_or(Hold::MOMENTARY),
        budget: core.parts.retry.budget,
        incarnation: record.incarnation.as_deref().map(Arc::from),
        observers: core.parts.observers.clone(),
    };
    let scope = Scope::replaying(parts, record.injection());
    Ok(Active::replayed(recovery, record.clone(), scope, safeguard.clone()))
}

/// An injection that was prepared and may be armed now.
struct Ready {
    prepared: Prepared,
    scope: Scope,
    limits: Limits,
}

/// The last looks, the preparation and the announcement. Nothing is touched, and whatever is not certain is a reason to leave the
/// target alone.
async fn make_ready(core: &Core, victim: &Victim, run: Run) -> Result<Ready, Reason> {
    // While victims wait for others the plan grows old.
    let age = core.parts.clock.now().duration_since(victim.planned_at);
    let seen = if (SignedDuration::ZERO..FRESH).contains(&age) {
        Arc::clone(&victim.group)
    } else {
        Arc::new(look_again(core, victim).await?)
    };
    let discovered = discovered(victim, &seen);
    let incarnation =
        discovered.group.member(victim.target.id()).and_then(|member| member.incarnation.clone());
    let undone_by = undone_before_closing(core, victim.hold.until_deadline())?;
    let parts = ScopeParts {
        fault: core.new_fault_id().map_err(doubt)?,
        event: victim.event.name().to_owned(),
        seed: run.seed,
        target: victim.target.id().clone(),
        provider: Arc::clone(&victim.provider),
        clock: Arc::clone(&core.parts.clock),
        deadline: Deadline::after(core.parts.clock.as_ref(), victim.hold.until_deadline()),
        hold: victim.hold,
        budget: core.parts.retry.budget,
        incarnation,
        observers: core.parts.observers.clone(),
    };
    let scope = Scope::preparing(parts, discovered);
    let preparing = contained("the preparation", async { victim.event.prepare(&scope).await });
    let prepared = match limited(core, "the preparation", preparing).await {
        Ok(prepared) => prepared,
        Err(error) => {
            // It may be all because the target is gone since the plan: then that is the reason.
            look_again(core, victim).await?;
            return Err(doubt(error));
        }
    };
    may_undo(core, victim).await?;
    let intended = Intended {
        chosen: run.chosen,
        seed: run.seed,
        healthy: seen.healthy(),
        desired: seen.desired,
        hold: victim.hold.duration(),
        requested: prepared.requested().clone(),
        undone_by,
        by_hand: prepared.by_hand(&scope),
        ..Intended::new(scope.fault(), scope.target_id().clone(), scope.event(), scope.deadline())
    };
    core.parts.observers.ask(core.parts.clock.as_ref(), ASK_LIMIT, &intended).await.map_err(doubt)?;
    // The preparation and the announcement may have taken their time.
    let now = look_again(core, victim).await?;
    is_still_so(victim, &seen, &now)?;
    if let Some(caveat) = victim.event.caveat(&now) {
        scope.note(caveat);
    }
    let limits = Limits::none()
        .group_active(victim.group_active)
        .total_active(victim.total_active)
        .cool_down(core.parts.cool_down);
    Ok(Ready { prepared, scope, limits })
}

/// When a fault is certainly undone that is armed now and lasts so long; unless the calendar is closed, or closes before.
fn undone_before_closing(core: &Core, lasting: Duration) -> Result<Timestamp, Reason> {
    let now = core.parts.clock.now();
    let window = core.parts.calendar.window(now).ok_or(Reason::CalendarClosed)?;
    let undone_by = clock::after(clock::after(now, lasting), core.parts.retry.budget);
    if undone_by > window.closes {
        return Err(Reason::ClosesTooSoon { closes: window.closes, undone_by });
    }
    Ok(undone_by)
}

impl Ready {
    async fn arm(self, core: &Core) -> Result<Armed, Reason> {
        let safeguard = core.safeguard().map_err(doubt)?;
        // The preparation, the announcement and the last look may have taken minutes.
        undone_before_closing(core, self.scope.lasting())?;
        match self.prepared.arm(&self.scope, safeguard, &self.limits).await.map_err(doubt)? {
            Arming::Armed(armed) => Ok(armed),
            Arming::Refused(reason) => Err(reason),
        }
    }
}

/// The plan may be old by now: the target must still be healthy, and its group must still bear the loss.
async fn look_again(core: &Core, victim: &Victim) -> Result<Group, Reason> {
    let (id, target) = (&victim.group.id, victim.target.id());
    let looking = contained("the provider", async { victim.provider.group(id).await });
    let mut group = limited(core, "the discovery", looking).await.map_err(doubt)?;
    if group.id != *id {
        let error =
            Error::new(ErrorKind::Other, "the provider answered with another group than was asked for");
        return Err(doubt(error.with("asked", id).with("found", &group.id)));
    }
    group.put_in_order()?;
    let member = group.member(target).ok_or(Reason::NotHealthy { health: Health::Gone })?;
    if member.health != Health::Healthy {
        return Err(Reason::NotHealthy { health: member.health });
    }
    if let Some(reason) = member.why_left_alone() {
        return Err(reason);
    }
    // A provider may tell of a whole group what it saw a moment ago. The target itself is asked.
    let asking = contained("the health check", async { member.target.health().await });
    let health = limited(core, "the health check", asking).await.map_err(doubt)?;
    if health != Health::Healthy {
        return Err(Reason::NotHealthy { health });
    }
    let pending = core.safeguard().map_err(doubt)?.journal.pending().await.map_err(doubt)?;
    let unreadable = || pending.unreadable.iter().filter_map(|entry| entry.target.as_ref());
    let under_fault = pending.faults.iter().map(|fault| &fault.target).chain(unreadable());
    let faulty: HashSet<_> = under_fault.collect();
    let is_faulty = |member: &Member| faulty.contains(member.target.id());
    let somewhere = pending.unreadable.len() - unreadable().count();
    let faults = Faults { elsewhere: 0, somewhere };
    Room::of(&core.parts.blast_radius, &group, faults, is_faulty, |_| true).leaves_enough(member)?;
    if let Some(limit) = victim.group_capacity {
        let in_group = faulty.iter().copied().filter(|target| target.group() == *id);
        leaves_capacity(&[&victim.group, &group], in_group, somewhere, member, limit)?;
    }
    if let Some(domain) = core.parts.blast_radius.domain() {
        let label = domain.label().to_owned();
        let hit = domain.of(member.target.labels()).ok_or(Reason::UnknownDomain { label: label.clone() })?;
        if !domain.spares_another(hit, &group.members, is_faulty) {
            return Err(Reason::NoOtherDomain { label, domain: hit.to_owned() });
        }
    }
    Ok(group)
}

/// Asks again what the plan has asked of the group, and whether the event was prepared for what it is now.
fn is_still_so(victim: &Victim, prepared: &Group, now: &Group) -> Result<(), Reason> {
    let event = &victim.event;
    event.suits(now).map_err(|why| Reason::Unsuitable { why: format!("{}: {why}", event.name()) })?;
    let missing = now
        .member(victim.target.id())
        .map(|member| event.requires().missing_from(member.target.capabilities().set()));
    if let Some(missing) = missing.filter(|missing| !missing.is_empty()) {
        return Err(Reason::LacksCapability { missing });
    }
    let replaces = |group: &Group| (group.replaces_members, group.replaces_stopped);
    let incarnation =
        |group: &Group| group.member(victim.target.id()).and_then(|member| member.incarnation.clone());
    let what = if replaces(prepared) != replaces(now) || event.caveat(prepared) != event.caveat(now) {
        "the group replaces its members otherwise than when the fault was prepared"
    } else if incarnation(prepared) != incarnation(now) {
        "the target is another one of its name than when the fault was prepared"
    } else {
        return Ok(());
    };
    Err(doubt(Error::new(ErrorKind::Conflict, what).with("target", victim.target.id())))
}

/// The group as it is now, with the victims of this run that are under their faults already as they were before it, so that all are
/// measured against the same whole.
fn discovered(victim: &Victim, seen: &Group) -> Discovered {
    let id = victim.target.id();
    let target = seen.member(id).map_or(&victim.target, |now| &now.target);
    let mut group = seen.clone();
    let was_hit = |before: &&Member| {
        let is_well = seen.member(before.target.id()).is_some_and(Member::is_healthy);
        before.is_healthy() && !is_well && before.target.id() != id
    };
    // Whoever was well when the run began and is not now: another victim, or one that has failed by itself meanwhile.
    let hit: Vec<Member> = victim.group.members.iter().filter(was_hit).cloned().collect();
    for before in hit {
        group.members.retain(|member| member.target.id() != before.target.id());
        group.members.push(before);
    }
    Discovered { target: Arc::clone(target), group: Arc::new(group) }
}

async fn limited<T>(core: &Core, what: &'static str, work: impl Future<Output = Result<T>>) -> Result<T> {
    within(core.parts.clock.as_ref(), core.parts.discovery_limit, what, work).await.and_then(|result| result)
}

/// Injects, unless or until something cuts it short.
async fn inject(core: &Core, armed: Armed, cut: &mut Cut) -> Active {
    if cut.is_cut().is_some() {
        return armed.abandon();
    }
    let journal = armed.journal();
    let clock = core.parts.clock.as_ref();
    let cut = async move {
        tokio::select! {
            biased;
            _ = cut.wait() => {}
            () = halted_elsewhere(journal.as_ref(), clock) => {}
        }
    };
    armed.inject_unless(cut).await
}

/// Keeps the fault up until its deadline and looks at it meanwhile, unless something cuts it short.
async fn hold(core: &Core, active: &mut Active, cut: &mut Cut) {
    let clock = core.parts.clock.as_ref();
    let cut_short = if active.injection().is_err() {
        Some(CutShort::InjectionFailed)
    } else {
        tokio::select! {
            biased;
            reason = cut.wait() => Some(reason),
            () = halted_elsewhere(active.journal(), clock) => Some(CutShort::Halted),
            () = clock.sleep(active.remaining()) => None,
            // Unless it was meant to end then.
            () = active.watch() => Some(CutShort::EndedEarly),
            () = passed(active, clock) => None,
        }
    };
    let cut_short = active.end_hold(cut_short);
    core.tell(Activity::HoldEnded { fault: active.record().id, cut_short });
}

/// Returns when the journal carries a halt. A journal that cannot be read does not end a hold: the deadline does.
async fn halted_elsewhere(journal: &dyn Journal, clock: &dyn Clock) {
    loop {
        clock.sleep(POLL).await;
        if let Ok(Some(_)) = journal.halt().await {
            return;
        }
    }
}

/// Returns when the deadline has passed by the wall clock, which goes on while a machine is suspended.
async fn passed(active: &Active, clock: &dyn Clock) {
    while !active.remaining().is_zero() {
        clock.sleep(POLL).await;
    }
}

fn doubt(error: Error) -> Reason {
    Reason::Doubt { failure: (&error).into() }
}

fn cut_reason(cut: CutShort) -> Reason {
    match cut {
        CutShort::Halted => Reason::Halted { reason: "this monkey was halted".to_owned() },
        _ => doubt(Error::new(ErrorKind::Refused, "the run was cut short before the injection")),
    }
}

fn skip(core: &Core, victim: &Victim, reason: Reason) -> Guarded {
    core.tell(Activity::Skipped { target: victim.target.id().clone(), reason: reason.clone() });
    Guarded::Skipped(reason)
}
