use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::Offset};

/// The offsets of a zone that a calendar describes. After the last transition, none changes.
#[derive(Debug, PartialEq)]
pub(super) struct Transitions {
    /// Before the first transition.
    earliest: Offset,
    /// Sorted.
    transitions: Vec<(Timestamp, Offset)>,
}

impl Transitions {
    /// From the instants at which an offset follows another: the instant, the one before, the one after. None if there
    /// is no transition.
    pub(super) fn new(mut changes: Vec<(Timestamp, Offset, Offset)>) -> Option<Self> {
        changes.sort();
        let (_, earliest, _) = *changes.first()?;
        Some(Self { earliest, transitions: changes.into_iter().map(|(at, _, after)| (at, after)).collect() })
    }

    pub(super) fn offset(&self, at: Timestamp) -> Offset {
        let after = self.transitions.partition_point(|(transition, _)| *transition <= at);
        after.checked_sub(1).map_or(self.earliest, |index| self.transitions[index].1)
    }

    pub(super) fn first(&self, time: DateTime) -> Option<Timestamp> {
        self.instants(time).into_iter().min().or_else(|| self.skipped(time))
    }

    pub(super) fn last(&self, time: DateTime) -> Option<Timestamp> {
        self.instants(time).into_iter().max().or_else(|| self.skipped(time))
    }

    /// The instants at which the clocks show this time.
    fn instants(&self, time: DateTime) -> Vec<Timestamp> {
        let mut offsets: Vec<Offset> = self.near(time).collect();
        offsets.dedup();
        let instants = offsets.into_iter().filter_map(|offset| {
            let at = offset.to_timestamp(time).ok()?;
            (self.offset(at) == offset).then_some(at)
        });
        instants.collect()
    }

    /// What the clocks would have shown had they not skipped it.
    fn skipped(&self, time: DateTime) -> Option<Timestamp> {
        self.near(time).filter_map(|offset| offset.to_timestamp(time).ok()).max()
    }

    /// The offsets within a day or two of this time.
    fn near(&self, time: DateTime) -> impl Iterator<Item = Offset> {
        let middle = Offset::UTC.to_timestamp(time).unwrap_or(Timestamp::MAX);
        let day = SignedDuration::from_hours(36);
        let start = middle.checked_sub(day).unwrap_or(Timestamp::MIN);
        let end = middle.checked_add(day).unwrap_or(Timestamp::MAX);
        let within = self.transitions.iter().filter(move |(at, _)| start < *at && *at <= end);
        std::iter::once(self.offset(start)).chain(within.map(|(_, offset)| *offset))
    }
}
