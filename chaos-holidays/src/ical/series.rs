//! Events of the same identity, and the instances that they make together.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Date, DateTime, Time},
};

use super::{
    duration::Length,
    event::{Event, Replaced},
    instances::Instance,
    misread::Read,
    moment::Moment,
    work::Work,
    zone::Zone,
    zones::Zones,
};

/// The instances of all events within a period.
pub(super) fn instances(
    events: Vec<Event<'_>>,
    zones: &Zones,
    period: &Range<Timestamp>,
    work: &mut Work,
) -> Read<Vec<Instance>> {
    let mut series: BTreeMap<&str, Vec<Event<'_>>> = BTreeMap::new();
    let mut single = Vec::new();
    for event in events {
        match event.uid {
            Some(uid) => series.entry(uid).or_default().push(event),
            None => single.push(vec![event]),
        }
    }
    let mut expansion = Expansion { home: &zones.home, period, work, instances: Vec::new() };
    for events in series.into_values().chain(single) {
        expansion.add(&Series::of(events, &zones.home))?;
    }
    Ok(expansion.instances)
}

/// The valid versions of events with one identity. Of versions with the same number, all are.
struct Series<'a> {
    masters: Vec<Event<'a>>,
    /// By the instance that each replaces.
    replacing: Vec<(Key, Event<'a>)>,
}

/// How an instance is named. One in a zone is named by its instant, another by what the clocks show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Instant(Timestamp),
    Local(DateTime),
}

impl Key {
    fn of(moment: &Moment, home: &Zone) -> Self {
        match moment {
            Moment::Zoned(..) => Self::Instant(moment.instant(home)),
            Moment::Date(_) | Moment::Floating(_) => Self::Local(moment.local()),
        }
    }
}

impl<'a> Series<'a> {
    fn of(events: Vec<Event<'a>>, home: &Zone) -> Self {
        let mut series = Self { masters: Vec::new(), replacing: Vec::new() };
        for event in events {
            let Some(key) = event.replaces.as_ref().map(|replaced| Key::of(&replaced.id, home)) else {
                series.masters.push(event);
                continue;
            };
            series.replacing.push((key, event));
        }
        let newest = series.masters.iter().map(|event| event.sequence).max();
        series.masters.retain(|event| Some(event.sequence) == newest);
        let mut newest: BTreeMap<Key, i64> = BTreeMap::new();
        for (key, event) in &series.replacing {
            let newest = newest.entry(*key).or_insert(event.sequence);
            *newest = event.sequence.max(*newest);
        }
        series.replacing.retain(|(key, event)| newest.get(key) == Some(&event.sequence));
        series
    }
}

/// Instances are looked for here.
struct Expansion<'a> {
    home: &'a Zone,
    period: &'a Range<Timestamp>,
    work: &'a mut Work,
    instances: Vec<Instance>,
}

impl Expansion<'_> {
    fn add(&mut self, series: &Series<'_>) -> Read<()> {
        let excepted: Vec<_> = series.masters.iter().map(|master| Excepted::by(master, self.home)).collect();
        for (_, event) in &series.replacing {
            let Some(replaced) = &event.replaces else { continue };
            let is_excepted = excepted.iter().any(|excepted| excepted.contains(&replaced.id, self.home));
            if !event.is_cancelled && !is_excepted {
                self.happens(&event.reason, event.line, &event.start, event.length)?;
            }
        }
        let replaced: BTreeSet<Key> = series.replacing.iter().map(|(key, _)| *key).collect();
        for (master, excepted) in series.masters.iter().zip(&excepted) {
            let futures = futures(master, &series.replacing, self.home);
            for (start, length) in self.starts(master, &futures)? {
                let is_replaced = keys(&start, self.home).any(|key| replaced.contains(&key));
                if !is_replaced && !excepted.contains(&start, self.home) {
                    self.add_instance(master, &futures, &start, length)?;
                }
            }
        }
        Ok(())
    }

    /// When an event begins, with the lengths of those that have their own.
    fn starts(&mut self, master: &Event<'_>, futures: &[Future<'_>]) -> Read<Vec<(Moment, Option<Length>)>> {
        let mut starts = vec![(master.start.clone(), None)];
        for (moment, length) in &master.more {
            starts.push((moment.clone(), *length));
            // Of a whole day that also happens at a time of day, and the other way round, all of the day counts too.
            if length.is_none() && moment.is_date() != master.start.is_date() {
                let length = if moment.is_date() { Some(master.length.max(Length::DAY)) } else { None };
                starts.push((Moment::Date(moment.local().date()), length));
            }
        }
        let zone = master.start.zone(self.home);
        let span = self.starts_of_interest(master, futures, zone);
        for rule in &master.rules {
            let times = rule.times(&master.start, span.clone(), zone, self.work)?;
            starts.extend(times.into_iter().map(|time| {
                let start = match &master.start {
                    Moment::Date(_) => Moment::Date(time.date()),
                    Moment::Floating(_) => Moment::Floating(time),
                    Moment::Zoned(_, zone) => Moment::Zoned(time, zone.clone()),
                };
                (start, None)
            }));
        }
        Ok(starts)
    }

    /// Adds an instance as the last event before it says that it is.
    fn add_instance(
        &mut self,
        master: &Event<'_>,
        futures: &[Future<'_>],
        start: &Moment,
        length: Option<Length>,
    ) -> Read<()> {
        let time = start.local_in(master.start.zone(self.home));
        let before = futures.partition_point(|future| future.from < time);
        let (event, moved) = match before.checked_sub(1).map(|index| &futures[index]) {
            None => (master, start.clone()),
            Some(future) => (future.event, moved(start, future.shift)),
        };
        if event.is_cancelled {
            return Ok(());
        }
        self.happens(&event.reason, event.line, &moved, length.unwrap_or(event.length))
    }

    /// The times, by the clocks of the event, at which instances begin that may touch the period.
    fn starts_of_interest(&self, master: &Event<'_>, futures: &[Future<'_>], zone: &Zone) -> Range<DateTime> {
        let mut longest = master.length.longest();
        let (mut later, mut earlier) = (SignedDuration::ZERO, SignedDuration::ZERO);
        for future in futures {
            longest = longest.max(future.event.length.longest());
            later = later.max(future.shift);
            earlier = earlier.min(future.shift);
        }
        let start = zone.shows(self.period.start);
        let end = zone.shows(self.period.end);
        let back = longest.checked_add(later).unwrap_or(SignedDuration::MAX);
        let start =
            start.checked_sub(back).and_then(|start| start.checked_sub(2.days())).unwrap_or(DateTime::MIN);
        let end = end.checked_sub(earlier).and_then(|end| end.checked_add(2.days())).unwrap_or(DateTime::MAX);
        start..end
    }

    fn happens(&mut self, reason: &Arc<str>, line: usize, start: &Moment, length: Length) -> Read<()> {
        if length.longest().is_zero() {
            return Ok(());
        }
        let zone = start.zone(self.home);
        let time = start.local();
        let start = zone.first(time);
        let after = |length: SignedDuration| zone.last(time.checked_add(length).unwrap_or(DateTime::MAX));
        let exact = after(length.nominal).checked_add(length.exact).unwrap_or(Timestamp::MAX);
        let mut end = after(length.wall).max(exact);
        if zone.shows(start) != time {
            // Clocks skip its start, so that its end by the clocks comes too early.
            end = end.max(start.checked_add(length.wall).unwrap_or(Timestamp::MAX));
        }
        if start < self.period.end && self.period.start < end && start < end {
            self.work.spend_instance(line, reason)?;
            self.instances.push(Instance { start, end, reason: Arc::clone(reason) });
        }
        Ok(())
    }
}

/// The names of the instance that begins then.
fn keys(start: &Moment, home: &Zone) -> impl Iterator<Item = Key> {
    let instant = matches!(start, Moment::Zoned(..)).then(|| Key::Instant(start.instant(home)));
    std::iter::once(Key::Local(start.local())).chain(instant)
}

/// The instances that an event excepts.
struct Excepted {
    dates: BTreeSet<Date>,
    keys: BTreeSet<Key>,
    /// As many programs except whole days: by their midnight in some zone.
    shown: BTreeSet<DateTime>,
}

impl Excepted {
    fn by(event: &Event<'_>, home: &Zone) -> Self {
        let mut excepted = Self { dates: BTreeSet::new(), keys: BTreeSet::new(), shown: BTreeSet::new() };
        for moment in &event.excepted {
            if let Moment::Date(date) = moment {
                excepted.dates.insert(*date);
            } else {
                excepted.keys.insert(Key::of(moment, home));
                excepted.shown.insert(moment.local());
            }
        }
        excepted
    }

    fn contains(&self, start: &Moment, home: &Zone) -> bool {
        let is_zoned = matches!(start, Moment::Zoned(..));
        self.dates.contains(&start.local().date())
            || keys(start, home).any(|key| self.keys.contains(&key))
            || (!is_zoned && self.shown.contains(&start.local()))
    }
}

/// How an event changes the instances after the one that it replaces.
struct Future<'a> {
    /// By the clocks of the first event.
    from: DateTime,
    shift: SignedDuration,
    event: &'a Event<'a>,
}

/// In order.
fn futures<'a>(master: &Event<'_>, replacing: &'a [(Key, Event<'a>)], home: &Zone) -> Vec<Future<'a>> {
    let mut futures: Vec<Future<'a>> = Vec::new();
    for (_, event) in replacing {
        let Some(Replaced { id, and_future: true }) = &event.replaces else { continue };
        let from = id.local_in(master.start.zone(home));
        futures.push(Future { from, shift: id.until(&event.start, home).wall, event });
    }
    futures.sort_by_key(|future| future.from);
    futures
}

fn moved(start: &Moment, shift: SignedDuration) -> Moment {
    let time = start.local().checked_add(shift).unwrap_or(DateTime::MAX);
    match start {
        Moment::Date(_) if time.time() == Time::midnight() => Moment::Date(time.date()),
        Moment::Date(_) | Moment::Floating(_) => Moment::Floating(time),
        Moment::Zoned(_, zone) => Moment::Zoned(time, zone.clone()),
    }
}
