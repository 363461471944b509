use std::sync::Arc;

use futures_util::StreamExt;
use jiff::Timestamp;
use serde::Serialize;

use super::{core::Core, permission};
use crate::{
    calendar::{CalendarState, next_opening},
    clock::Deadline,
    contain::{contained, within},
    error::{Error, ErrorKind, Failure, Result},
    event::{ChaosEvent, Discovered, Scope, ScopeParts},
    group::Group,
    plan::{Fits, rules},
    provider::Provider,
    steady_state::ask_once,
    text::escaped,
};

/// The findings of [`Monkey::diagnose`](crate::monkey::Monkey::diagnose).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Diagnosis {
    /// Every check, in the order in which it was made.
    pub checks: Vec<Check>,
}

/// One check of a [`Diagnosis`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// The subject of the check: "calendar", "journal", "provider memory", "pattern */web", "event
    /// stop".
    pub subject: String,
    /// The finding, or the problem.
    pub finding: Result<String, Failure>,
}

impl Diagnosis {
    /// Whether there is no problem.
    pub fn is_sound(&self) -> bool {
        self.checks.iter().all(|check| check.finding.is_ok())
    }
}

/// What the checks of providers begin with.
const PROVIDER: &str = "provider ";

pub(super) async fn diagnose(core: &Core) -> Diagnosis {
    let mut checks = vec![check("calendar", calendar(core)), check("journal", journal(core).await)];
    let of_rules = core.terms.iter().filter_map(|terms| Some((&terms.rule, terms.steady_state.as_ref()?)));
    for (rule, steady) in core.parts.steady_state.iter().map(|steady| (&None, steady)).chain(of_rules) {
        let of_rule = rule.as_ref().map(|rule| format!(" of the rule for {rule}")).unwrap_or_default();
        let asked = ask_once(steady, &core.parts.clock).await.into_iter();
        checks.extend(
            asked.map(|(name, finding)| Check { subject: format!("probe {name}{of_rule}"), finding }),
        );
    }
    let mut groups = Vec::new();
    for provider in &core.parts.providers {
        let listed = list(core, provider).await;
        let finding = listed.as_ref().map(|found| {
            let targets: usize = found.iter().map(|group| group.members.len()).sum();
            let ages = ages_unknown(core, found);
            format!("{} groups with {targets} targets{ages}", found.len())
        });
        checks.push(Check {
            subject: format!("{PROVIDER}{}", provider.scheme()),
            finding: finding.map_err(Failure::from),
        });
        groups.extend(listed.into_iter().flatten().map(|group| (Arc::clone(provider), Arc::new(group))));
    }
    checks.extend(patterns(core, &checks, &groups));
    for event in &core.parts.events {
        let trying = contained("the event", async { try_event(core, event, &groups).await });
        let tried =
            within(core.parts.clock.as_ref(), core.parts.discovery_limit, "the preparation", trying).await;
        checks.push(check(&format!("event {}", event.name()), tried.and_then(|tried| tried)));
    }
    Diagnosis { checks }
}

/// What a minimum age cannot protect.
fn ages_unknown(core: &Core, groups: &[Group]) -> String {
    let mut members = groups.iter().flat_map(|group| &group.members).peekable();
    let is_asked = !core.parts.min_age.is_zero() && members.peek().is_some();
    match members.filter(|member| member.began_at.is_none()).count() {
        unknown if is_asked && unknown > 0 => format!(
            "; it is not known when {unknown} of them began, so the minimum age does not keep those out"
        ),
        _ => String::new(),
    }
}

/// The patterns that fit nothing, if everything could be listed.
fn patterns(core: &Core, checks: &[Check], groups: &[(Arc<dyn Provider>, Arc<Group>)]) -> Vec<Check> {
    let is_in_doubt = |check: &Check| check.subject.starts_with(PROVIDER) && check.finding.is_err();
    if checks.iter().any(is_in_doubt) {
        return Vec::new();
    }
    let fits = Fits::of(&core.parts.filter, &core.terms);
    groups.iter().for_each(|(_, group)| fits.see(group));
    let unmatched = fits.unmatched().into_iter().map(|unmatched| {
        let what = format!("{unmatched}: check its spelling, or leave it out");
        let finding = Err(Failure::new(ErrorKind::NotFound, what));
        Check { subject: format!("pattern {}", escaped(&unmatched.pattern)), finding }
    });
    unmatched.collect()
}

fn check(subject: &str, finding: Result<String>) -> Check {
    Check { subject: subject.to_owned(), finding: finding.map_err(|error| (&error).into()) }
}

fn calendar(core: &Core) -> Result<String> {
    core.parts.calendar.check()?;
    let now = core.parts.clock.now();
    Ok(match core.parts.calendar.state(now) {
        CalendarState::Open(window) if window.closes == Timestamp::MAX => "open".to_owned(),
        CalendarState::Open(window) => format!("open until {}", window.closes),
        CalendarState::Closed(closed) => {
            let why = closed.reason.map(|why| format!(": {}", escaped(&why))).unwrap_or_default();
            match next_opening(&core.parts.calendar, now) {
                Some(opens) => format!("closed until {opens}{why}"),
                None => format!("closed, and it does not open within two years{why}"),
            }
        }
    })
}

async fn journal(core: &Core) -> Result<String> {
    let Some((journal, registry)) = core.safeguard.as_ref().map_or_else(
        || core.rehearsal.as_ref().map(|rehearsal| (&rehearsal.journal, &rehearsal.registry)),
        |safeguard| Some((&safeguard.journal, &safeguard.registry)),
    ) else {
        return Ok("none: the monkey is leashed".to_owned());
    };
    if let Some(halt) = journal.halt().await? {
        return Err(Error::new(ErrorKind::Refused, "everything is halted").with("reason", halt.reason));
    }
    let pending = journal.pending().await?;
    if let Some(unreadable) = pending.unreadable.first() {
        return Err(Error::new(ErrorKind::Corrupt, "the journal holds an unreadable entry")
            .with("entry", &unreadable.entry)
            .with("problem", &unreadable.failure));
    }
    for fault in &pending.faults {
        registry.read(&fault.recovery)?;
    }
    Ok(format!("{} faults pending", pending.faults.len()))
}

pub(super) async fn list(core: &Core, provider: &Arc<dyn Provider>) -> Result<Vec<Group>> {
    let reading = contained("the provider", async {
        let mut groups = Vec::new();
        let mut stream = provider.groups(&core.parts.filter);
        while let Some(group) = stream.next().await {
            groups.push(group?);
        }
        Ok(groups)
    });
    within(core.parts.clock.as_ref(), core.parts.discovery_limit, "the discovery", reading).await?
}

/// Prepares the event for the first target that it could be injected into, and reads its recovery back.
async fn try_event(
    core: &Core,
    event: &Arc<dyn ChaosEvent>,
    groups: &[(Arc<dyn Provider>, Arc<Group>)],
) -> Result<String> {
    let requires = event.requires();
    let candidate =
        groups.iter().filter(|(_, group)| event.suits(group).is_ok()).find_map(|(provider, group)| {
            let permitted = rules::not_denied(&core.parts.filter, group).ok()?;
            let fits = |member: &&crate::group::Member| {
                rules::may_be_hit(&permitted, member).is_ok()
                    && rules::offers(member.target.capabilities().set(), requires).is_ok()
            };
            Some((provider, group, group.members.iter().find(fits)?))
        });
    let (provider, group, member) = candidate.ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "no healthy target offers what the event needs")
            .with("requires", requires)
    })?;
    let hold = event.hold();
    let parts = ScopeParts {
        fault: core.new_fault_id()?,
        run: None,
        event: event.name().to_owned(),
        seed: core.peek_seed()?,
        target: member.target.id().clone(),
        provider: Arc::clone(provider),
        clock: Arc::clone(&core.parts.clock),
        deadline: Deadline::after(core.parts.clock.as_ref(), hold.until_deadline()),
        hold,
        budget: core.parts.retry.budget,
        incarnation: member.incarnation.clone(),
        due: None,
        observers: core.observers.clone(),
    };
    let discovered = Discovered { target: Arc::clone(&member.target), group: Arc::clone(group) };
    let scope = Scope::preparing(parts, discovered);
    let preparing = contained("the preparation", event.prepare(&scope));
    let prepared =
        within(core.parts.clock.as_ref(), core.parts.discovery_limit, "the preparation", preparing).await??;
    permission::may_undo(core, member.target.as_ref(), event.as_ref(), hold).await?;
    if let Some(safeguard) = &core.safeguard {
        prepared.readable(&safeguard.registry)?;
    }
    Ok(format!("could be injected into {}", member.target.id()))
}
