use std::{collections::VecDeque, fmt, sync::Arc, time::Duration};

use crate::{digest::Digest, message::Message};

/// The waiting messages, and the delivery counts of the others.
///
/// The most important message goes first, together with the earlier ones about the same fault: each fault's messages
/// keep their order.
#[derive(Debug)]
pub(crate) struct Outbox {
    waiting: VecDeque<Letter>,
    room: usize,
    /// Messages without room that must be reported.
    digest: Option<Digest>,
    /// Messages that were given up, and that people have not been told of yet.
    lost: Option<Digest>,
    under_way: Option<Letter>,
    /// Whether a task is sending the waiting messages.
    is_attended: bool,
    counts: Deliveries,
}

/// A message on its way.
#[derive(Debug)]
struct Letter {
    message: Arc<Message>,
    tells_of: TellsOf,
    /// When its first attempt began, on the monotonic clock.
    tried_since: Option<Duration>,
}

#[derive(Debug)]
enum TellsOf {
    /// One thing.
    Itself,
    /// Messages for which there was no room.
    Overflow(Digest),
    /// Messages that were given up.
    Losses(Digest),
}

impl Letter {
    fn with(message: Message) -> Self {
        Self::of(message, TellsOf::Itself)
    }

    fn of(message: Message, tells_of: TellsOf) -> Self {
        Self { message: Arc::new(message), tells_of, tried_since: None }
    }
}

/// The delivery counts of a notifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deliveries {
    /// Accepted by the service.
    pub delivered: usize,
    /// Given up: refused, or not accepted in time. The next message that is delivered is followed by a digest that has
    /// one line for each.
    pub failed: usize,
    /// Left out, because more were waiting than there is room for: announcements, and runs that injected nothing. The
    /// end of a fault is never left out; if there is no room, a digest has one line for each.
    pub dropped: usize,
    /// Not sent yet, or being sent.
    pub waiting: usize,
}

impl Deliveries {
    /// Whether every message was delivered.
    pub fn is_complete(&self) -> bool {
        self.failed == 0 && self.dropped == 0 && self.waiting == 0
    }
}

impl fmt::Display for Deliveries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { delivered, failed, dropped, waiting } = self;
        write!(f, "{delivered} messages delivered, {failed} failed, {dropped} dropped, {waiting} waiting")
    }
}

impl Outbox {
    /// An outbox with room for this many waiting messages.
    pub(crate) fn of(room: usize) -> Self {
        let counts = Deliveries::default();
        let waiting = VecDeque::new();
        Self { waiting, room, digest: None, lost: None, under_way: None, is_attended: false, counts }
    }

    /// Adds a message. If there is no room, the oldest of the least important ones, which may be this one, goes into a
    /// digest. Announcements and runs that injected nothing were not promised, so such a message is left out, and
    /// returned.
    pub(crate) fn push(&mut self, message: Message) -> Option<Arc<Message>> {
        self.waiting.push_back(Letter::with(message));
        if self.waiting.len() <= self.room {
            return None;
        }
        // This finds the first of several equal ones.
        let (least, _) = self.waiting.iter().enumerate().min_by_key(|(_, letter)| letter.message.kind)?;
        let Letter { message, tells_of, .. } = self.waiting.remove(least)?;
        match tells_of {
            TellsOf::Overflow(digest) => self.digest.get_or_insert_default().join(digest),
            TellsOf::Losses(digest) => self.lost.get_or_insert_default().join(digest),
            TellsOf::Itself if message.kind.is_promised() => {
                self.digest.get_or_insert_default().add(&message);
            }
            TellsOf::Itself => {
                self.counts.dropped += 1;
                return Some(message);
            }
        }
        None
    }

    /// Whether the caller must send the waiting messages: there are some, and no other task sends them.
    pub(crate) fn attend(&mut self) -> bool {
        let is_mine = !self.is_attended && (!self.waiting.is_empty() || self.digest.is_some());
        self.is_attended |= is_mine;
        is_mine
    }

    /// The next message to send. `None` ends the duty of the sending task.
    pub(crate) fn take(&mut self) -> Option<Arc<Message>> {
        let urgent =
            self.waiting.iter().rev().map(|letter| &letter.message).max_by_key(|message| message.kind);
        let is_more_urgent = |digest: &mut Digest| urgent.is_none_or(|message| digest.kind() > message.kind);
        if let Some(digest) = self.digest.take_if(is_more_urgent) {
            let letter = Letter::of(digest.overflow(), TellsOf::Overflow(digest));
            let message = Arc::clone(&letter.message);
            self.under_way = Some(letter);
            return Some(message);
        }
        let Some(fault) = urgent.map(|message| (message.fault, message.kind)) else {
            self.is_attended = false;
            return None;
        };
        let is_next = |Letter { message, .. }: &Letter| match fault {
            (Some(fault), _) => message.fault == Some(fault),
            (None, kind) => message.fault.is_none() && message.kind == kind,
        };
        let next = self.waiting.iter().position(is_next)?;
        self.under_way = self.waiting.remove(next);
        self.under_way.as_ref().map(|letter| Arc::clone(&letter.message))
    }

    /// The message that was taken is delivered. Returns the number of messages that it stands for. If others were given
    /// up before it, people are told now.
    pub(crate) fn delivered(&mut self) -> usize {
        let number = self.under_way.take().map_or(0, |letter| letter.message.stands_for);
        self.count(true, number);
        if let Some(digest) = self.lost.take() {
            self.waiting.push_back(Letter::of(digest.losses(), TellsOf::Losses(digest)));
        }
        number
    }

    /// Puts the message that was taken back to be tried again, unless its attempts have taken as long as they may.
    /// This attempt began at `begun`, and it is `now`. Returns how much longer the attempts may take.
    pub(crate) fn again(&mut self, begun: Duration, now: Duration, limit: Duration) -> Option<Duration> {
        let letter = self.under_way.as_mut()?;
        let since = *letter.tried_since.get_or_insert(begun);
        let left = limit.checked_sub(now.saturating_sub(since)).filter(|left| !left.is_zero())?;
        self.put_back();
        Some(left)
    }

    /// The message that was taken is given up. Returns the number of messages that it stands for.
    pub(crate) fn gave_up(&mut self) -> usize {
        let Some(Letter { message, tells_of, .. }) = self.under_way.take() else { return 0 };
        self.count(false, message.stands_for);
        let lost = self.lost.get_or_insert_default();
        match tells_of {
            TellsOf::Overflow(digest) | TellsOf::Losses(digest) => lost.join(digest),
            TellsOf::Itself => lost.add(&message),
        }
        message.stands_for
    }

    pub(crate) fn count(&mut self, is_delivered: bool, number: usize) {
        *(if is_delivered { &mut self.counts.delivered } else { &mut self.counts.failed }) += number;
    }

    /// The sending task ended half-way. The message that it was sending may have been delivered, and is sent again.
    pub(crate) fn abandon(&mut self) {
        self.is_attended = false;
        self.put_back();
    }

    fn put_back(&mut self) {
        if let Some(letter) = self.under_way.take() {
            self.waiting.push_front(letter);
        }
    }

    pub(crate) fn deliveries(&self) -> Deliveries {
        let messages = self.waiting.iter().chain(&self.under_way).map(|letter| letter.message.stands_for);
        let waiting = messages.sum::<usize>() + self.digest.as_ref().map_or(0, Digest::number);
        Deliveries { waiting, ..self.counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Kind;

    fn message(kind: Kind, fault: Option<&str>, number: usize) -> Message {
        let fault = fault.map(|fault| format!("{fault:0>16}").parse().unwrap());
        let at = jiff::Timestamp::UNIX_EPOCH;
        let (subject, body) = (number.to_string(), String::new());
        Message { kind, fault, run: None, detail: 0, at, stands_for: 1, subject, body }
    }

    fn sent(outbox: &mut Outbox) -> Vec<String> {
        assert!(outbox.attend());
        let mut sent = Vec::new();
        while let Some(message) = outbox.take() {
            sent.push(message.subject.clone());
            outbox.delivered();
        }
        sent
    }

    #[test]
    fn the_most_important_goes_first_and_each_fault_keeps_its_order() {
        let mut outbox = Outbox::of(10);
        let messages = [
            (Kind::Announced, Some("a")),
            (Kind::Announced, Some("b")),
            (Kind::NothingInjected, None),
            (Kind::Recovered, Some("a")),
            (Kind::RecoveryFailed, Some("b")),
            (Kind::Halted, None),
            (Kind::Announced, Some("c")),
        ];
        for (number, (kind, fault)) in messages.into_iter().enumerate() {
            assert_eq!(outbox.push(message(kind, fault, number)), None);
        }
        assert_eq!(outbox.deliveries().waiting, 7);
        // b for its failure, the halt, a for its recovery, then what is left in the order in which it came.
        assert_eq!(sent(&mut outbox), ["1", "4", "5", "0", "3", "6", "2"]);
        assert!(outbox.deliveries().is_complete());
        assert_eq!(outbox.deliveries().delivered, 7);
    }

    #[test]
    fn where_there_is_no_room_the_least_important_is_left_out() {
        let mut outbox = Outbox::of(3);
        assert_eq!(outbox.push(message(Kind::Announced, Some("a"), 0)), None);
        assert_eq!(outbox.push(message(Kind::Recovered, Some("b"), 1)), None);
        assert_eq!(outbox.push(message(Kind::Announced, Some("c"), 2)), None);
        let dropped = |outbox: &mut Outbox, kind, number| {
            outbox.push(message(kind, Some("d"), number)).map(|message| message.subject.clone())
        };
        assert_eq!(dropped(&mut outbox, Kind::RecoveryFailed, 3).as_deref(), Some("0"));
        assert_eq!(dropped(&mut outbox, Kind::RecoveryFailed, 4).as_deref(), Some("2"));
        assert_eq!(dropped(&mut outbox, Kind::NothingInjected, 5).as_deref(), Some("5"));
        assert_eq!(outbox.deliveries(), Deliveries { dropped: 3, waiting: 3, ..Deliveries::default() });
        assert!(!outbox.deliveries().is_complete());
    }

    #[test]
    fn how_a_fault_ends_is_told_however_many_wait() {
        let mut outbox = Outbox::of(2);
        outbox.push(message(Kind::Announced, Some("a"), 0));
        for number in 1..=2_000 {
            let kind = if number % 1_000 == 7 { Kind::RecoveryFailed } else { Kind::Recovered };
            outbox.push(message(kind, Some(&format!("{number:x}")), number));
        }
        let counts = outbox.deliveries();
        assert_eq!((counts.dropped, counts.waiting), (1, 2_000), "only the announcement is left out");
        assert!(outbox.attend());
        let mut digest = None;
        while let Some(message) = outbox.take() {
            if message.stands_for > 1 {
                digest = Some(Arc::clone(&message));
            }
            outbox.delivered();
        }
        assert_eq!(outbox.deliveries().delivered, 2_000);
        let digest = digest.unwrap();
        assert_eq!((digest.kind, digest.stands_for), (Kind::Recovered, 1_998));
        assert!(
            digest.body.contains("1198 less important ones are left out here"),
            "{}",
            &digest.body[..500]
        );
        assert!(digest.body.len() < 200 * 1024 && digest.subject == "Chaos: 1998 messages in one");

        // The worst message is kept, and the digest has its kind, by which subscribers filter.
        let mut outbox = Outbox::of(1);
        for number in 1..=1_500 {
            let kind = if number <= 3 { Kind::RecoveryFailed } else { Kind::Recovered };
            outbox.push(message(kind, Some(&format!("{number:x}")), number));
        }
        assert_eq!(sent(&mut outbox), ["3", "CHAOS RECOVERY FAILED: 2 NOT BACK, in one message of 1499"]);
    }

    #[test]
    fn one_at_a_time_attends_and_what_is_abandoned_is_sent_again() {
        let mut outbox = Outbox::of(3);
        assert!(!outbox.attend(), "there is nothing to send");
        outbox.push(message(Kind::Recovered, Some("a"), 0));
        assert!(outbox.attend());
        assert!(!outbox.attend());
        assert_eq!(outbox.take().unwrap().subject, "0");
        assert_eq!(outbox.deliveries().waiting, 1);
        outbox.push(message(Kind::RecoveryFailed, Some("a"), 1));
        outbox.abandon();
        assert_eq!(sent(&mut outbox), ["0", "1"]);
        assert!(!outbox.attend());
    }

    #[test]
    fn what_is_given_up_is_told_after_the_next_delivery_also_if_that_was_to_tell_of_it() {
        let mut outbox = Outbox::of(1);
        for number in 1..=3 {
            outbox.push(message(Kind::Recovered, Some(&format!("{number:x}")), number));
        }
        assert!(outbox.attend());
        let mut taken = || outbox.take().map(|message| message.subject.clone());
        assert_eq!(taken().as_deref(), Some("3"));
        assert_eq!(outbox.gave_up(), 1);
        assert_eq!(outbox.take().unwrap().subject, "Chaos: 2 messages in one");
        assert_eq!(outbox.gave_up(), 2);
        assert_eq!(outbox.deliveries().failed, 3);
        assert!(outbox.take().is_none(), "nothing is told before something is delivered");

        // Twice, because the first to tell of them is lost as well.
        for number in 4..=5 {
            outbox.push(message(Kind::Halted, None, number));
            assert!(outbox.attend());
            assert_eq!(outbox.take().unwrap().subject, number.to_string());
            assert_eq!(outbox.delivered(), 1);
            let losses = outbox.take().unwrap();
            assert_eq!(losses.subject, "Chaos: 3 messages were not delivered");
            let lines = losses.body.lines().filter(|line| line.starts_with("1970-01-01 00:00:00 UTC: "));
            assert_eq!(lines.count(), 3, "{}", losses.body);
            if number == 4 {
                assert_eq!(outbox.gave_up(), 1);
            } else {
                assert_eq!(outbox.delivered(), 1);
            }
            assert!(outbox.take().is_none());
        }
        let after = outbox.deliveries();
        assert_eq!((after.delivered, after.failed, after.waiting, after.dropped), (3, 4, 0, 0), "{after}");
    }

    #[test]
    fn a_message_is_tried_again_until_its_time_is_up() {
        let seconds = Duration::from_secs;
        let mut outbox = Outbox::of(3);
        outbox.push(message(Kind::Announced, Some("a"), 0));
        assert!(outbox.attend());
        outbox.take().unwrap();
        assert_eq!(outbox.again(seconds(100), seconds(160), seconds(600)), Some(seconds(540)));
        assert_eq!(outbox.deliveries().waiting, 1);
        outbox.take().unwrap();
        assert_eq!(outbox.again(seconds(690), seconds(699), seconds(600)), Some(seconds(1)));
        outbox.take().unwrap();
        assert_eq!(outbox.again(seconds(700), seconds(700), seconds(600)), None);
        assert_eq!(outbox.gave_up(), 1);
        outbox.push(message(Kind::Announced, Some("b"), 1));
        outbox.take().unwrap();
        assert_eq!(outbox.again(seconds(700), seconds(700), Duration::ZERO), None, "not at all");
    }
}
