use jiff::{SignedDuration, Timestamp};

/// A metric of a resource.
#[derive(Clone, Debug)]
pub(crate) struct Metric {
    pub(crate) name: String,
    /// The begin of the last minute that has a value or lacks one.
    pub(crate) last: Timestamp,
    /// Minute by minute, the last one last.
    pub(crate) values: Vec<Option<f64>>,
}

impl Metric {
    pub(crate) fn new(name: &str, values: Vec<Option<f64>>, now: Timestamp) -> Self {
        Self { name: name.to_owned(), last: minute(now), values }
    }

    /// The minutes that begin in a span, each with its value.
    pub(crate) fn within(&self, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, Option<f64>)> {
        let back = |minutes: usize| SignedDuration::from_mins(i64::try_from(minutes).unwrap_or(0));
        let values = self.values.iter().rev().enumerate();
        let mut found: Vec<_> = values
            .map(|(age, value)| (self.last - back(age), *value))
            .filter(|(time, _)| (minute(from)..to).contains(time))
            .collect();
        found.reverse();
        found
    }
}

fn minute(time: Timestamp) -> Timestamp {
    let second = time.as_second();
    Timestamp::from_second(second - second.rem_euclid(60)).unwrap_or(time)
}
