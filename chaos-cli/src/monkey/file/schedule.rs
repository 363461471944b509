use std::{fmt, time::Duration};

use chaos_core::{
    Error,
    catalogue::{Parameter, Parameters},
    schedule::Schedule,
};

use super::reader::{Reader, Section};

/// `[schedule]`: how often.
#[derive(Clone, Debug)]
pub(crate) enum Pace {
    /// Each group once in so many open days.
    Scheduled {
        /// How many.
        schedule: Schedule,
        /// How long after a due that was stopped it is tried again.
        retry_every: Option<Duration>,
    },
    /// One run after another, with this time between them.
    Every(Duration),
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheduled { schedule, .. } => {
                write!(
                    f,
                    "each group is due with a chance of {:.0} % on an open day",
                    schedule.chance() * 100.0
                )
            }
            Self::Every(interval) => write!(f, "a run each {interval:?}"),
        }
    }
}

/// Its parameters.
pub(super) fn parameters() -> Parameters {
    Parameters::default()
        .with(
            Parameter::number(
                "mean",
                1.0..=100_000.0,
                "each group is hit once in so many open days on average",
            )
            .unit("open days"),
        )
        .with(
            Parameter::count(
                "least",
                1..=100_000,
                "how many open days after its last fault a group may be hit again",
            )
            .only_with("mean")
            .default("1"),
        )
        .with(
            Parameter::duration("retry-every", "how long after a due that was stopped it is tried again")
                .only_with("mean")
                .default("5m"),
        )
        .with(
            Parameter::duration("every", "the time from one run to the next, without a schedule")
                .default("1h"),
        )
        .at_most_one_of(["mean", "every"])
}

/// `zone` is that of the calendar.
pub(super) fn read(reader: &mut Reader<'_>, section: Section, zone: Option<&str>) -> Option<Pace> {
    let path = section.path.clone();
    let given = reader.read(section, "a schedule", &parameters())?;
    let Some(mean) = reader.sound(&path, given.number("mean"))? else {
        let every = reader.sound(&path, given.duration("every"))?;
        return match every {
            Some(every) if every.is_zero() => {
                reader.refuse(&format!("{path}.every"), "0s", "more than zero");
                None
            }
            Some(every) => Some(Pace::Every(every)),
            None => {
                reader.refuse(&path, "neither mean nor every", "one of them, such as mean = 5");
                None
            }
        };
    };
    let Some(zone) = zone else {
        let expected = "[calendar] with its zone beside [schedule] with a mean, since it counts in open days";
        return reader.sound(&path, Err(Error::invalid("schedule", "no calendar", expected)));
    };
    let schedule = Schedule::new(zone).and_then(|schedule| schedule.mean(mean));
    let schedule = reader.sound(&format!("{path}.mean"), schedule)?;
    let schedule = match reader.sound(&path, given.count("least"))? {
        Some(least) => {
            let least = u32::try_from(least).unwrap_or(u32::MAX);
            reader.sound(&format!("{path}.least"), schedule.least(least))?
        }
        None => schedule,
    };
    let retry_every = reader.sound(&path, given.duration("retry-every"))?;
    Some(Pace::Scheduled { schedule, retry_every })
}
