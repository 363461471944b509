use std::{collections::BTreeMap, sync::Arc};

use chaos_core::{
    FaultId, Outcome,
    fault::Fault,
    observer::{Activity, Intended},
};
use jiff::Timestamp;

use crate::{
    experiments::Experiments,
    message::{Kind, Message},
    settings::{Settings, Whereabouts},
    story::Story,
    text::{Body, instant, subject},
};

/// The most faults that are tracked at once. Beyond that, the longest-running ones are forgotten first. Their end is
/// still reported, without their course.
const MOST_STORIES: usize = 1_000;

/// Makes messages for people from activities. It knows nothing about channels, and makes no calls.
#[derive(Debug)]
pub(crate) struct Composer {
    stories: BTreeMap<FaultId, Story>,
    experiments: Experiments,
    /// Whether runs that inject nothing are reported.
    tells_idle_runs: bool,
    whereabouts: Whereabouts,
}

impl Composer {
    pub(crate) fn new(settings: &Settings) -> Self {
        let Settings { tells_idle_runs, whereabouts, .. } = *settings;
        Self { stories: BTreeMap::new(), experiments: Experiments::default(), tells_idle_runs, whereabouts }
    }

    /// The message before an injection.
    pub(crate) fn announce(&mut self, at: Timestamp, intended: &Intended) -> Message {
        self.experiments.announced(intended);
        let story = Story::intended(at, intended, self.whereabouts);
        let is_kept = self.has_room();
        let message = story.announcement(at, is_kept);
        if is_kept {
            self.stories.insert(intended.fault, story);
        }
        message
    }

    /// It was not announced.
    pub(crate) fn forget(&mut self, fault: FaultId) {
        self.stories.remove(&fault);
    }

    /// The message about `activity`, if any.
    pub(crate) fn compose(&mut self, at: Timestamp, activity: &Activity) -> Option<Message> {
        match activity {
            Activity::Skipped { fault: Some(fault), reason, .. } => {
                Some(self.stories.remove(fault)?.left_alone(at, reason))
            }
            Activity::InjectionFailed { fault, failure, .. } => Some(match self.stories.get(&fault.id) {
                Some(story) => story.injection_failed(at, failure),
                None => self.forgotten(at, fault).injection_failed(at, failure),
            }),
            Activity::Recovered { fault, time_to_recover, gone, .. } => {
                Some(self.end_of(at, fault).recovered(at, *time_to_recover, gone.as_deref()))
            }
            Activity::RecoveryRetried { fault, failure, until, .. } if failure.kind.is_refusal() => {
                self.stories.get_mut(&fault.id)?.refused(at, failure, *until)
            }
            Activity::RecoveryFailed { fault, failure, by_hand, .. } => {
                Some(self.end_of(at, fault).recovery_failed(at, failure, by_hand.as_deref()))
            }
            Activity::JournalFailed { fault, failure, .. } => Some(match self.stories.get(&fault.id) {
                Some(story) => story.journal_failed(at, failure),
                None => self.forgotten(at, fault).journal_failed(at, failure),
            }),
            Activity::SteadyStateViolated { run, phase, probe, why, .. } => {
                self.experiments.violated(at, *run, *phase, probe, why)
            }
            Activity::SteadyAgain { run, time_to_settle, .. } => {
                self.experiments.steady_again(at, *run, *time_to_settle)
            }
            Activity::NotSteadyAgain { run, why, .. } => {
                Some(self.experiments.not_steady_again(at, *run, why))
            }
            Activity::Halted { reason, .. } => Some(halted(at, reason)),
            Activity::Resumed { .. } => Some(resumed(at)),
            Activity::SettingsRefused { failure, .. } => Some(settings_refused(at, &failure.to_string())),
            Activity::DueMissed { due, why, .. } => {
                self.tells_idle_runs.then(|| idle(at, &format!("The due of {due} was missed"), why))
            }
            Activity::RunFailed { failure, .. } => {
                self.tells_idle_runs.then(|| idle(at, "A run could not be made", &[failure.to_string()]))
            }
            Activity::RunEnded { run, outcome, why, .. } => {
                let verdict = self.experiments.ended(at, *run, *outcome, why);
                let is_idle = matches!(outcome, Outcome::Skipped | Outcome::DryRun);
                let is_told = is_idle && self.tells_idle_runs;
                verdict.or_else(|| is_told.then(|| idle(at, "A run injected nothing", why)))
            }
            _ => {
                self.follow(at, activity);
                None
            }
        }
    }

    /// Activities without a message of their own.
    fn follow(&mut self, at: Timestamp, activity: &Activity) {
        match activity {
            Activity::Armed { fault, by_hand, .. } => match self.stories.get_mut(&fault.id) {
                Some(story) => story.is_armed = true,
                None => self.keep(fault.id, Story::armed(at, fault, by_hand.clone(), self.whereabouts)),
            },
            Activity::TakenOver { fault, armed_at, by_hand, .. } => {
                let story = Story::taken_over(at, fault, *armed_at, by_hand.clone(), self.whereabouts);
                self.keep(fault.id, story);
            }
            Activity::Injecting { fault, .. } => {
                self.change(fault, |story| story.course.injecting_at = Some(at))
            }
            Activity::Injected { fault, achieved, .. } => {
                self.change(fault, |story| story.course.achieved.clone_from(achieved));
            }
            Activity::HoldEnded { fault, cut_short, .. } => {
                self.change(fault, |story| story.course.cut_short = *cut_short)
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

    fn change(&mut self, fault: &Fault, change: impl FnOnce(&mut Story)) {
        if let Some(story) = self.stories.get_mut(&fault.id) {
            change(story);
        }
    }

    fn forgotten(&self, at: Timestamp, fault: &Fault) -> Story {
        Story::forgotten(at, fault, self.whereabouts)
    }

    /// The story of a fault that is over.
    fn end_of(&mut self, at: Timestamp, fault: &Arc<Fault>) -> Story {
        self.stories.remove(&fault.id).unwrap_or_else(|| self.forgotten(at, fault))
    }

    /// Keeps the story of a fault that is in progress.
    fn keep(&mut self, fault: FaultId, story: Story) {
        if self.has_room() {
            self.stories.insert(fault, story);
        }
    }

    /// Makes room for one more, if it can. The end of a fault in progress is reported anyway; that of an announced one,
    /// only because it is tracked.
    fn has_room(&mut self) -> bool {
        if self.stories.len() < MOST_STORIES {
            return true;
        }
        let going_on = self.stories.iter().filter(|(_, story)| story.is_armed);
        let Some((&oldest, _)) = going_on.min_by_key(|(_, story)| story.since) else { return false };
        self.stories.remove(&oldest);
        true
    }
}

fn halted(at: Timestamp, reason: &str) -> Message {
    let mut body = Body::saying(
        "Everything is halted: nothing is injected any more, and every fault that is held is ended and recovered now.",
    );
    body.gap();
    body.line("Why", reason);
    body.line("When", instant(at));
    body.paragraph("`resume` withdraws the halt.");
    message(Kind::Halted, at, subject("Chaos halted: ", "", reason), body)
}

fn resumed(at: Timestamp) -> Message {
    let mut body = Body::saying("The halt was withdrawn: faults are injected again.");
    body.gap();
    body.line("When", instant(at));
    message(Kind::Resumed, at, subject("Chaos resumed", "", ""), body)
}

fn settings_refused(at: Timestamp, why: &str) -> Message {
    let mut body =
        Body::saying("The settings were read again and not taken. The monkey goes on under the former ones.");
    body.gap();
    body.line("Why", why);
    body.line("When", instant(at));
    message(Kind::SettingsRefused, at, subject("Chaos settings refused: ", "", why), body)
}

impl Message {
    /// A message that tests whether messages arrive.
    pub fn test(at: Timestamp) -> Self {
        let mut body =
            Body::saying("This is a test: somebody asked whether messages of a monkey arrive here.");
        body.gap();
        body.line("When", instant(at));
        message(Kind::Test, at, subject("Chaos test message", "", ""), body)
    }
}

/// A message that is about no fault and no run.
fn message(kind: Kind, at: Timestamp, subject: String, body: Body) -> Message {
    Message { kind, fault: None, run: None, detail: 0, at, stands_for: 1, subject, body: body.finish() }
}

fn idle(at: Timestamp, what: &str, why: &[String]) -> Message {
    let mut body = Body::saying(&format!("{what}."));
    body.gap();
    body.line("When", instant(at));
    body.lines("Why", why, "the report of the run has them all, and so has its log");
    let subject = subject("Chaos: ", "", &what.to_lowercase());
    let (kind, body) = (Kind::NothingInjected, body.finish());
    Message { kind, fault: None, run: None, detail: 0, at, stands_for: 1, subject, body }
}

#[cfg(test)]
mod tests;
