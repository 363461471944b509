use std::cmp::Reverse;

use jiff::Timestamp;

use crate::{
    message::{Kind, Message},
    text::{Body, instant, subject},
};

/// The most lines, one for each message, that have room in one digest.
const MOST_LINES: usize = 800;

/// A digest of messages for which there was no room, or that could not be delivered: the end of a fault is always
/// reported.
#[derive(Clone, Debug, Default)]
pub(crate) struct Digest {
    lines: Vec<Line>,
    /// The number of messages, including those without a line.
    number: usize,
    not_back: usize,
    at: Timestamp,
}

#[derive(Clone, Debug)]
struct Line {
    kind: Kind,
    at: Timestamp,
    words: String,
}

impl Digest {
    pub(crate) fn add(&mut self, message: &Message) {
        let about = match (message.fault, message.run) {
            (Some(fault), _) => format!(" (fault {fault})"),
            (None, Some(run)) => format!(" (run {run})"),
            (None, None) => String::new(),
        };
        let words = format!("{}{about}", message.subject);
        self.lines.push(Line { kind: message.kind, at: message.at, words });
        self.number += message.stands_for;
        self.not_back += usize::from(message.kind == Kind::RecoveryFailed);
        self.at = self.at.max(message.at);
        self.leave_out_the_least();
    }

    /// Adds everything that is in another one.
    pub(crate) fn join(&mut self, other: Self) {
        let Self { lines, number, not_back, at } = other;
        self.lines.extend(lines);
        self.number += number;
        self.not_back += not_back;
        self.at = self.at.max(at);
        self.leave_out_the_least();
    }

    fn leave_out_the_least(&mut self) {
        while self.lines.len() > MOST_LINES
            && let Some((least, _)) = self.lines.iter().enumerate().min_by_key(|(_, line)| line.kind)
        {
            self.lines.remove(least);
        }
    }

    /// The number of messages that it stands for.
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    /// The most important kind among them, by which subscribers may filter.
    pub(crate) fn kind(&self) -> Kind {
        self.lines.iter().map(|line| line.kind).max().unwrap_or(Kind::NothingInjected)
    }

    /// The message in place of those for which there was no room. It stands for all of them.
    pub(crate) fn overflow(&self) -> Message {
        let number = self.number;
        let message = self.message(
            &format!("{number} more messages waited than the queue has room for."),
            &format!("{number} messages in one"),
            &format!("in one message of {number}"),
        );
        Message { stands_for: number, ..message }
    }

    /// The message about those that could not be delivered.
    pub(crate) fn losses(&self) -> Message {
        let (number, were) = (self.number, if self.number == 1 { "message was" } else { "messages were" });
        self.message(
            &format!(
                "{number} {were} given up, because the service took none of them in time or refused them."
            ),
            &format!("{number} {were} not delivered"),
            &format!("and {number} {were} not delivered"),
        )
    }

    /// The most important first, each kind in its order.
    fn message(&self, lead: &str, end: &str, and_so: &str) -> Message {
        let mut lines: Vec<&Line> = self.lines.iter().collect();
        lines.sort_by_key(|line| (Reverse(line.kind), line.at));
        let mut body = Body::saying(&format!(
            "{lead} Each is one line here. How to undo a fault by hand, and all other details, are in the journal: \
             `history` and `recover` show them."
        ));
        body.gap();
        for line in &lines {
            body.line(&instant(line.at), &line.words);
        }
        let left_out = self.number.saturating_sub(lines.len());
        if left_out > 0 {
            body.paragraph(&format!(
                "{left_out} less important ones are left out here: the journal has all of them."
            ));
        }
        let (before, after) = match self.not_back {
            0 => ("Chaos: ", end.to_owned()),
            targets => ("CHAOS RECOVERY FAILED: ", format!("{targets} NOT BACK, {and_so}")),
        };
        Message {
            kind: self.kind(),
            fault: None,
            run: None,
            detail: self.number as u64,
            at: self.at,
            stands_for: 1,
            subject: subject(before, "", &after),
            body: body.finish(),
        }
    }
}
