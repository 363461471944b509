use std::cmp::Reverse;

use jiff::Timestamp;

use crate::{
    message::{Kind, Message},
    text::{Body, instant, subject},
};

/// The most lines, one for each message, that have room in one digest.
const MOST_LINES: usize = 800;

/// A digest of messages for which there was no room, because the end of a fault is always reported.
#[derive(Debug, Default)]
pub(crate) struct Digest {
    lines: Vec<Line>,
    /// The number of messages, including those without a line.
    number: usize,
    not_back: usize,
    at: Timestamp,
}

#[derive(Debug)]
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
        if self.lines.len() > MOST_LINES
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

    /// The most important first, each kind in its order.
    pub(crate) fn message(mut self) -> Message {
        let (kind, number) = (self.kind(), self.number);
        self.lines.sort_by_key(|line| (Reverse(line.kind), line.at));
        let mut body = Body::saying(&format!(
            "{number} more messages waited than the queue has room for. Each is one line here. How to undo a fault by \
             hand, and all other details, are in the journal: `history` and `recover` show them."
        ));
        body.gap();
        for line in &self.lines {
            body.line(&instant(line.at), &line.words);
        }
        let left_out = number.saturating_sub(self.lines.len());
        if left_out > 0 {
            body.paragraph(&format!(
                "{left_out} less important ones are left out here: the journal has all of them."
            ));
        }
        let (before, after) = match self.not_back {
            0 => ("Chaos: ", format!("{number} messages in one")),
            targets => ("CHAOS RECOVERY FAILED: ", format!("{targets} NOT BACK, in one message of {number}")),
        };
        let subject = subject(before, "", &after);
        Message {
            kind,
            fault: None,
            run: None,
            detail: 0,
            at: self.at,
            stands_for: number,
            subject,
            body: body.finish(),
        }
    }
}
