use std::cmp::Reverse;

use jiff::Timestamp;

use crate::{
    message::{Kind, Message},
    text::{Body, instant, subject},
};

/// How many of them are told in a line each: so many have room in one message.
const MOST_LINES: usize = 800;

/// Messages that there was no room for, told in one: how a fault ends is told in any case.
#[derive(Debug, Default)]
pub(crate) struct Digest {
    lines: Vec<Line>,
    /// How many it tells of, those included that have no line.
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
        let fault = message.fault.map(|fault| format!(" (fault {fault})")).unwrap_or_default();
        let words = format!("{}{fault}", message.subject);
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

    /// How many messages it stands for.
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
            "{number} messages waited beyond those that there was room for. Each is told here in one line. What \
             undoes a fault by hand, and everything else about it, is in the journal: `history` and `recover` show \
             it."
        ));
        body.gap();
        for line in &self.lines {
            body.line(&instant(line.at), &line.words);
        }
        let left_out = number.saturating_sub(self.lines.len());
        if left_out > 0 {
            body.paragraph(&format!(
                "{left_out} more are left out here, none as important: the journal tells of all."
            ));
        }
        let (before, after) = match self.not_back {
            0 => ("Chaos: ", format!("{number} messages in one")),
            targets => {
                ("CHAOS RECOVERY FAILED: ", format!("{targets} NOT BACK, told in one message of {number}"))
            }
        };
        let subject = subject(before, "", &after);
        Message { kind, fault: None, at: self.at, stands_for: number, subject, body: body.finish() }
    }
}
