use std::time::Duration;

use chaos_core::{
    FaultId, TargetId,
    error::Failure,
    fault::{CutShort, Fault, Magnitude, Milestone},
    observer::{Chosen, Intended},
    plan::Reason,
};
use jiff::Timestamp;

use crate::{
    message::{Kind, Message},
    settings::Whereabouts,
    text::{Body, between, humanly, instant, one_line, subject},
};

/// One fault, as far as it is known, and the messages about it.
#[derive(Debug)]
pub(crate) struct Story {
    fault: FaultId,
    target: TargetId,
    event: String,
    /// When the first activity about it came.
    pub(crate) since: Timestamp,
    begin: Begin,
    by_hand: Option<String>,
    pub(crate) is_armed: bool,
    pub(crate) course: Course,
    whereabouts: Whereabouts,
}

/// The course of the fault so far.
#[derive(Debug, Default)]
pub(crate) struct Course {
    pub(crate) injecting_at: Option<Timestamp>,
    pub(crate) achieved: Magnitude,
    pub(crate) cut_short: Option<CutShort>,
    recovering_at: Option<Timestamp>,
    attempts: u32,
    milestones: Vec<(Milestone, Timestamp)>,
    /// Whether people were told that its recovery has been refused.
    was_refused: bool,
}

/// The first activity about it.
#[derive(Debug)]
enum Begin {
    Announced(Box<Intended>),
    /// Without having been announced.
    Armed,
    TakenOver {
        armed_at: Timestamp,
    },
    /// It is no longer tracked, because there are too many faults at once.
    Forgotten,
}

impl Story {
    pub(crate) fn intended(at: Timestamp, intended: &Intended, whereabouts: Whereabouts) -> Self {
        Self {
            fault: intended.fault,
            target: intended.target.clone(),
            event: intended.event.clone(),
            since: at,
            begin: Begin::Announced(Box::new(intended.clone())),
            by_hand: Some(intended.by_hand.clone()),
            is_armed: false,
            course: Course::default(),
            whereabouts,
        }
    }

    pub(crate) fn armed(at: Timestamp, fault: &Fault, by_hand: String, whereabouts: Whereabouts) -> Self {
        Self::of(at, fault, Begin::Armed, Some(by_hand), whereabouts)
    }

    pub(crate) fn taken_over(
        at: Timestamp,
        fault: &Fault,
        armed_at: Timestamp,
        by_hand: Option<String>,
        whereabouts: Whereabouts,
    ) -> Self {
        Self::of(at, fault, Begin::TakenOver { armed_at }, by_hand, whereabouts)
    }

    pub(crate) fn forgotten(at: Timestamp, fault: &Fault, whereabouts: Whereabouts) -> Self {
        Self::of(at, fault, Begin::Forgotten, None, whereabouts)
    }

    /// The story of an armed fault.
    fn of(
        since: Timestamp,
        fault: &Fault,
        begin: Begin,
        by_hand: Option<String>,
        whereabouts: Whereabouts,
    ) -> Self {
        Self {
            fault: fault.id,
            target: fault.target.clone(),
            event: fault.event.clone(),
            since,
            begin,
            by_hand,
            is_armed: true,
            course: Course::default(),
            whereabouts,
        }
    }

    pub(crate) fn attempt(&mut self, at: Timestamp, number: u32) {
        self.course.recovering_at.get_or_insert(at);
        self.course.attempts = number;
    }

    pub(crate) fn reached(&mut self, milestone: Milestone, at: Timestamp) {
        self.course.milestones.push((milestone, at));
    }

    /// `is_kept`: whether the fault is tracked, so that its end can be attributed to it.
    pub(crate) fn announcement(&self, at: Timestamp, is_kept: bool) -> Message {
        let mut body = Body::saying(&format!("{} is about to be injected into {}.", self.event, self.target));
        body.gap();
        self.tell_what(&mut body);
        if let Begin::Announced(intended) = &self.begin {
            if let Some(hypothesis) = &intended.hypothesis {
                body.line("Hypothesis", hypothesis);
            }
            body.line("When", instant(at));
            if intended.hold.is_zero() {
                body.line("For", "a moment: its recovery begins at once");
            } else {
                body.line("For", humanly(intended.hold));
            }
            body.line("Over by", instant(intended.deadline));
            let or_told = if is_kept { ", or you are told" } else { "" };
            body.line("Back by", format!("{}{or_told}", instant(intended.undone_by)));
            if let Some(requested) = magnitude(&intended.requested) {
                body.line("Asked for", requested);
            }
        }
        body.paragraph(if is_kept {
            "You will be told how it ends. If you are not, undo it by hand like this."
        } else {
            "There are too many announcements at once to follow up on each: whether this target is left alone after \
             all is in the journal, not in a message. Undo it by hand like this."
        });
        self.tell_by_hand(&mut body, self.by_hand.as_deref());
        self.message(
            at,
            Kind::Announced,
            subject("Chaos: ", self.target.as_str(), &self.for_event(": ", " begins")),
            body,
        )
    }

    pub(crate) fn left_alone(&self, at: Timestamp, reason: &Reason) -> Message {
        let lead = format!("{} was left alone after all: nothing was injected.", self.target);
        let mut body = Body::saying(&lead);
        body.gap();
        self.tell_what(&mut body);
        body.line("Why not", reason);
        body.line("When", instant(at));
        self.message(
            at,
            Kind::LeftAlone,
            subject("Chaos: ", self.target.as_str(), " left alone after all"),
            body,
        )
    }

    pub(crate) fn injection_failed(&self, at: Timestamp, failure: &Failure) -> Message {
        let lead = if self.may_be_injected() {
            format!(
                "The injection of {} into {} failed, or it is unknown how far it came. It is assumed to have \
                 happened, and is recovered.",
                self.event, self.target
            )
        } else {
            format!(
                "The injection of {} into {} did not begin. Its recovery makes sure of that.",
                self.event, self.target
            )
        };
        let mut body = Body::saying(&lead);
        body.gap();
        self.tell_what(&mut body);
        body.line("Failure", failure);
        body.line("When", instant(at));
        body.paragraph("You will be told how the recovery ends. If you are not, undo it by hand like this.");
        self.tell_by_hand(&mut body, self.by_hand.as_deref());
        let subject = subject("Chaos: ", self.target.as_str(), &self.for_event(": injecting ", " failed"));
        self.message(at, Kind::InjectionFailed, subject, body)
    }

    /// The message about the first refusal of a recovery.
    pub(crate) fn refused(&mut self, at: Timestamp, failure: &Failure, until: Timestamp) -> Option<Message> {
        if std::mem::replace(&mut self.course.was_refused, true) {
            return None;
        }
        let mut body = Body::saying(&format!(
            "Bringing {} back from {} has been refused so far. It is retried until {}.",
            self.target,
            self.event,
            instant(until)
        ));
        body.gap();
        body.line("Failure", failure);
        self.tell_what(&mut body);
        self.tell_course(&mut body, at);
        body.line("When", instant(at));
        body.paragraph(
            "You will be told how it ends. If you are not, or cannot wait, undo it by hand like this.",
        );
        self.tell_by_hand(&mut body, self.by_hand.as_deref());
        let subject = subject("Chaos: ", self.target.as_str(), ": the recovery is refused so far");
        Some(self.message(at, Kind::RecoveryRefused, subject, body))
    }

    /// The message about the end of a fault. After a termination, it is the group that is back. `gone` is the reason
    /// why the target is gone, if it is.
    pub(crate) fn recovered(
        &self,
        at: Timestamp,
        time_to_recover: Option<Duration>,
        gone: Option<&str>,
    ) -> Message {
        let is_injected = self.may_be_injected();
        let after = time_to_recover.map(humanly);
        let (end, course) = match &after {
            _ if gone.is_some() => (
                self.for_event(": ", " is over, and the target is gone"),
                "is over, and the target is gone: it is not back, and there is nothing left to undo."
                    .to_owned(),
            ),
            _ if !is_injected => {
                (" was not touched".to_owned(), "was never injected, and the target is unchanged.".to_owned())
            }
            Some(after) => {
                let course = format!(
                    "is over: the target, or what replaces it, was healthy again {after} after the injection began."
                );
                (self.for_event(": ", &format!(" is over, recovered after {after}")), course)
            }
            None => (
                self.for_event(": ", " is over, recovered"),
                "is over, and there is nothing left to undo.".to_owned(),
            ),
        };
        let mut body = Body::saying(&format!("{} on {} {course}", self.event, self.target));
        body.gap();
        self.tell_what(&mut body);
        self.tell_course(&mut body, at);
        if let Some(why) = gone {
            body.line("Gone", why);
        }
        body.line("Verified", instant(at));
        self.message(at, Kind::Recovered, subject("Chaos: ", self.target.as_str(), &end), body)
    }

    /// `by_hand` is newer than the one in the story.
    pub(crate) fn recovery_failed(&self, at: Timestamp, failure: &Failure, by_hand: Option<&str>) -> Message {
        let mut body = Body::saying(&format!(
            "RECOVERY FAILED: {} IS NOT BACK.\nBring it back, or make sure that it is back.",
            self.target
        ));
        body.gap();
        body.line("Failure", failure);
        self.tell_what(&mut body);
        self.tell_course(&mut body, at);
        body.line("Given up", instant(at));
        self.tell_by_hand(&mut body, by_hand.or(self.by_hand.as_deref()));
        body.paragraph(
            "AFTERWARDS\nUntil it is mended, this target gets no new fault. `recover_pending` of a monkey over the \
             same journal tries again, and closes the fault when it sees the target well; `declare_mended` \
             takes your word for it.",
        );
        self.message(
            at,
            Kind::RecoveryFailed,
            subject("CHAOS RECOVERY FAILED: ", self.target.as_str(), " IS NOT BACK"),
            body,
        )
    }

    pub(crate) fn journal_failed(&self, at: Timestamp, failure: &Failure) -> Message {
        let mut body = Body::saying(&format!(
            "The journal failed while {} on {} was in progress. The recovery is carried out all the same, and you \
             will be told if it fails. If you hear nothing more about this fault, the target was seen to be back, but \
             the journal could not record it: its entry stays for `recover_pending`.",
            self.event, self.target
        ));
        body.gap();
        body.line("Failure", failure);
        self.tell_what(&mut body);
        self.tell_course(&mut body, at);
        body.line("When", instant(at));
        self.tell_by_hand(&mut body, self.by_hand.as_deref());
        let subject = subject("CHAOS: the journal failed under a fault on ", self.target.as_str(), "");
        self.message(at, Kind::JournalFailed, subject, body)
    }

    /// False only if nothing was done to the target.
    fn may_be_injected(&self) -> bool {
        let was_not_followed = matches!(self.begin, Begin::TakenOver { .. } | Begin::Forgotten);
        self.course.injecting_at.is_some() || was_not_followed
    }

    fn message(&self, at: Timestamp, kind: Kind, subject: String, mut body: Body) -> Message {
        if matches!(self.begin, Begin::Forgotten) {
            body.paragraph(
                "There were too many faults at once to keep all details here: the rest is in the journal, and \
                 `history` shows it.",
            );
        }
        let (fault, body) = (Some(self.fault), body.finish());
        Message { kind, fault, run: None, detail: 0, at, stands_for: 1, subject, body }
    }

    fn for_event(&self, before: &str, after: &str) -> String {
        format!("{before}{}{after}", self.event)
    }

    /// The target, the event, and the reason.
    fn tell_what(&self, body: &mut Body) {
        body.line("Target", &self.target);
        body.line("Event", &self.event);
        body.line("Fault", self.fault);
        match &self.begin {
            Begin::Announced(intended) => {
                let (group, healthy, desired) = (intended.target.group(), intended.healthy, intended.desired);
                body.line("Group", format!("{group}, with {healthy} healthy members of {desired} before"));
                match intended.chosen {
                    Chosen::Named => body.line("Why", "somebody asked for this target"),
                    _ => body.line("Why", format!("drawn; the seed of the run is {}", intended.seed)),
                }
            }
            Begin::Armed | Begin::Forgotten => body.line("Group", self.target.group()),
            Begin::TakenOver { armed_at } => {
                body.line("Group", self.target.group());
                body.line("Why", format!("left behind by an earlier run, armed at {}", instant(*armed_at)));
            }
        }
    }

    /// Adds the course of the fault so far.
    fn tell_course(&self, body: &mut Body, now: Timestamp) {
        if let Some(injecting_at) = self.course.injecting_at {
            body.line("Injected", instant(injecting_at));
        }
        if let Some(achieved) = magnitude(&self.course.achieved) {
            body.line("Achieved", achieved);
        }
        if let Some(why) = self.course.cut_short {
            body.line("Cut short", why);
        }
        if let Some(recovering_at) = self.course.recovering_at {
            let (time, attempts) = (humanly(between(recovering_at, now)), self.course.attempts);
            let attempts =
                if attempts == 1 { "1 attempt".to_owned() } else { format!("{attempts} attempts") };
            body.line("Recovery", format!("took {time} from {}, {attempts}", instant(recovering_at)));
        }
        for (milestone, at) in &self.course.milestones {
            let after = self.course.injecting_at.map(|injecting_at| humanly(between(injecting_at, *at)));
            let after = after.map(|after| format!(", {after} after the injection began")).unwrap_or_default();
            let name = milestone.to_string();
            let name = name
                .chars()
                .next()
                .map(|first| first.to_uppercase().chain(name.chars().skip(1)).collect::<String>());
            body.line(&name.unwrap_or_default(), format!("{}{after}", instant(*at)));
        }
    }

    fn tell_by_hand(&self, body: &mut Body, by_hand: Option<&str>) {
        let words = by_hand.map(str::trim).filter(|words| !words.is_empty());
        let unknown = match self.begin {
            Begin::Forgotten => {
                format!("`history` over the journal that holds fault {} shows it.", self.fault)
            }
            _ => format!(
                "Its recovery cannot be read here. Call `recover_pending` on a monkey over the journal that \
                 holds fault {}, with a registry that knows it.",
                self.fault
            ),
        };
        body.paragraph(&format!("HOW TO UNDO IT BY HAND\n{}", words.unwrap_or(&unknown)));
        if let Some(whereabouts) = (self.whereabouts)(&self.target) {
            body.paragraph(&format!("WHERE IT IS\n{whereabouts}"));
        }
    }
}

fn magnitude(magnitude: &Magnitude) -> Option<String> {
    let numbers: Vec<String> =
        magnitude.iter().map(|(name, value)| format!("{} {value}", one_line(name))).collect();
    (!numbers.is_empty()).then(|| numbers.join(", "))
}
