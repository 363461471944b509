use std::collections::BTreeMap;

use chaos_core::{
    FaultId, Outcome, TargetId,
    error::Failure,
    observer::{Activity, Intended},
};
use jiff::Timestamp;

use super::{
    message::{Kind, Message},
    story::Story,
    text::{Body, humanly, instant, subject},
};

/// How many faults are kept in mind at once. Beyond, what goes on for longer than others is forgotten first; its end is
/// told all the same, in fewer words.
const MOST_STORIES: usize = 1_000;

/// Makes messages for people of what observers are told. It knows nothing of channels, and calls nobody.
#[derive(Debug, Default)]
pub(super) struct Composer {
    stories: BTreeMap<FaultId, Story>,
    /// How many faults go on whose stories are forgotten.
    forgotten: usize,
    /// Whether runs that inject nothing are told.
    tells_idle_runs: bool,
}

impl Composer {
    pub(super) fn new(tells_idle_runs: bool) -> Self {
        Self { stories: BTreeMap::new(), forgotten: 0, tells_idle_runs }
    }

    /// What is said before an injection.
    pub(super) fn announce(&mut self, at: Timestamp, intended: &Intended) -> Message {
        let story = Story::intended(at, intended);
        let is_kept = self.has_room();
        let message = story.announcement(at, is_kept);
        if is_kept {
            self.stories.insert(intended.fault, story);
        }
        message
    }

    /// Nobody was told of it.
    pub(super) fn forget(&mut self, fault: FaultId) {
        self.stories.remove(&fault);
    }

    /// What is said about `activity`, if anything.
    pub(super) fn compose(&mut self, at: Timestamp, activity: &Activity) -> Option<Message> {
        match activity {
            Activity::Skipped { target, reason, .. } => {
                let fault = self.announced(target)?;
                Some(self.stories.remove(&fault)?.left_alone(at, reason))
            }
            Activity::InjectionFailed { fault, failure, .. } => match self.stories.get(fault) {
                Some(story) => Some(story.injection_failed(at, failure)),
                None => self.of_forgotten(
                    at,
                    *fault,
                    Kind::InjectionFailed,
                    ": injecting it failed",
                    Some(failure),
                ),
            },
            Activity::Recovered { fault, time_to_recover, gone, .. } => match self.stories.remove(fault) {
                Some(story) => Some(story.recovered(at, *time_to_recover, gone.as_deref())),
                None => {
                    let end = match (gone, time_to_recover) {
                        (Some(_), _) => " is over, and its target gone".to_owned(),
                        (None, Some(time)) => format!(" is over, recovered after {}", humanly(*time)),
                        (None, None) => " is over, recovered".to_owned(),
                    };
                    let message = self.of_forgotten(at, *fault, Kind::Recovered, &end, None);
                    self.forgotten = self.forgotten.saturating_sub(1);
                    message
                }
            },
            Activity::RecoveryRetried { fault, failure, until, .. } if failure.kind.is_refusal() => {
                self.stories.get_mut(fault)?.refused(at, failure, *until)
            }
            Activity::RecoveryFailed { fault, target, failure, by_hand, .. } => {
                let story = self.stories.remove(fault).unwrap_or_else(|| {
                    self.forgotten = self.forgotten.saturating_sub(1);
                    Story::armed(at, *fault, target.clone(), "a fault".to_owned(), String::new())
                });
                Some(story.recovery_failed(at, failure, by_hand.as_deref()))
            }
            Activity::JournalFailed { fault, failure, .. } => match self.stories.get(fault) {
                Some(story) => Some(story.journal_failed(at, failure)),
                None => {
                    let what = ": the journal failed meanwhile";
                    self.of_forgotten(at, *fault, Kind::JournalFailed, what, Some(failure))
                }
            },
            Activity::Halted { reason, .. } => Some(halted(at, reason)),
            Activity::RunFailed { failure, .. } => {
                self.tells_idle_runs.then(|| idle(at, "A run could not be made", &[failure.to_string()]))
            }
            Activity::RunEnded { outcome: Outcome::Skipped | Outcome::DryRun, why, .. } => {
                self.tells_idle_runs.then(|| idle(at, "A run injected nothing", why))
            }
            _ => {
                self.follow(at, activity);
                None
            }
        }
    }

    /// What makes no message of its own.
    fn follow(&mut self, at: Timestamp, activity: &Activity) {
        match activity {
            Activity::Armed { fault, target, event, by_hand, .. } => match self.stories.get_mut(fault) {
                Some(story) => story.is_armed = true,
                None => {
                    let story = Story::armed(at, *fault, target.clone(), event.clone(), by_hand.clone());
                    self.keep(*fault, story);
                }
            },
            Activity::TakenOver { fault, target, event, armed_at, by_hand, .. } => {
                let (target, event, by_hand) = (target.clone(), event.clone(), by_hand.clone());
                self.keep(*fault, Story::taken_over(at, *fault, target, event, *armed_at, by_hand));
            }
            Activity::Injecting { fault, .. } => self.change(fault, |story| story.injecting_at = Some(at)),
            Activity::Injected { fault, achieved, .. } => {
                self.change(fault, |story| story.achieved.clone_from(achieved));
            }
            Activity::HoldEnded { fault, cut_short, .. } => {
                self.change(fault, |story| story.cut_short = *cut_short)
            }
            Activity::Recovering { fault, attempt, .. } => {
                self.change(fault, |story| story.attempt(at, *attempt))
            }
            Activity::Reached { fault, milestone, .. } => {
                self.change(fault, |story| story.reached(*milestone, at))
            }
            _ => {}
        }
    }

    fn change(&mut self, fault: &FaultId, change: impl FnOnce(&mut Story)) {
        if let Some(story) = self.stories.get_mut(fault) {
            change(story);
        }
    }

    /// Keeps the story of a fault that goes on.
    fn keep(&mut self, fault: FaultId, story: Story) {
        if self.has_room() {
            self.stories.insert(fault, story);
        } else {
            self.forgotten += 1;
        }
    }

    /// Makes room for one more, where it can: what becomes of a fault that goes on is told to be its own, by its id,
    /// and what becomes of an announced one is not.
    fn has_room(&mut self) -> bool {
        if self.stories.len() < MOST_STORIES {
            return true;
        }
        let going_on = self.stories.iter().filter(|(_, story)| story.is_armed);
        let Some((&oldest, _)) = going_on.min_by_key(|(_, story)| story.since) else { return false };
        self.stories.remove(&oldest);
        self.forgotten += 1;
        true
    }

    /// What is said of a fault that is not kept in mind any more.
    fn of_forgotten(
        &self,
        at: Timestamp,
        fault: FaultId,
        kind: Kind,
        what: &str,
        failure: Option<&Failure>,
    ) -> Option<Message> {
        if self.forgotten == 0 {
            return None;
        }
        let name = format!("fault {fault}");
        let mut body = Body::saying(&format!("Of {name}{what}."));
        body.gap();
        body.line("Fault", fault);
        if let Some(failure) = failure {
            body.line("Failure", failure);
        }
        body.line("When", instant(at));
        body.paragraph(
            "More went on at once than is kept in mind here. What it was, and what undoes it by hand, the journal \
             tells: `history` shows it.",
        );
        let subject = subject("Chaos: ", &name, what);
        Some(Message { kind, fault: Some(fault), at, stands_for: 1, subject, body: body.finish() })
    }

    /// The fault that was announced for this target and not armed, the latest where there are several.
    fn announced(&self, target: &TargetId) -> Option<FaultId> {
        let announced = self.stories.iter().filter(|(_, story)| story.is_announced_for(target));
        announced.max_by_key(|(_, story)| story.since).map(|(fault, _)| *fault)
    }
}

fn halted(at: Timestamp, reason: &str) -> Message {
    let mut body = Body::saying(
        "Everything is halted: nothing is injected any more, and every fault that is held is ended and recovered now.",
    );
    body.gap();
    body.line("Why", reason);
    body.line("When", instant(at));
    body.paragraph("`resume` takes it back.");
    Message {
        kind: Kind::Halted,
        fault: None,
        at,
        stands_for: 1,
        subject: subject("Chaos halted: ", "", reason),
        body: body.finish(),
    }
}

fn idle(at: Timestamp, what: &str, why: &[String]) -> Message {
    let mut body = Body::saying(&format!("{what}."));
    body.gap();
    body.line("When", instant(at));
    body.lines("Why", why, "the report of the run has them all, and so has its log");
    let subject = subject("Chaos: ", "", &what.to_lowercase());
    Message { kind: Kind::NothingInjected, fault: None, at, stands_for: 1, subject, body: body.finish() }
}

#[cfg(test)]
mod tests;
