use std::{collections::BTreeMap, sync::Arc};

use jiff::tz::{Offset, TimeZone};
use windows_timezones::WindowsTimezone;

use super::{
    lines::Property,
    misread::{Misread, Read},
    transitions::Transitions,
    zone::Zone,
};

/// The zones that the times of one calendar are in.
#[derive(Debug)]
pub(super) struct Zones {
    /// Of times that name none.
    pub(super) home: Zone,
    described: BTreeMap<String, Arc<Transitions>>,
}

impl Zones {
    pub(super) fn new(home: TimeZone) -> Self {
        Self { home: Zone::Known(home), described: BTreeMap::new() }
    }

    /// Adds a zone that a calendar describes, unless another one of this name is known.
    pub(super) fn describe(&mut self, name: &str, transitions: Transitions) {
        self.described.insert(name.to_owned(), Arc::new(transitions));
    }

    /// One zone alone, whose clocks never change.
    pub(super) fn fixed(offset: Offset) -> Self {
        Self::new(TimeZone::fixed(offset))
    }

    /// The zone that a property names, if it names one.
    pub(super) fn named_by(&self, property: &Property) -> Read<Option<Zone>> {
        let Some(name) = property.parameter("TZID") else { return Ok(None) };
        if let Some(zone) = known(name) {
            return Ok(Some(Zone::Known(zone)));
        }
        match self.described.get(name) {
            Some(transitions) => Ok(Some(Zone::Described(Arc::clone(transitions)))),
            None => Err(Misread::new(
                property.line,
                &format!("TZID={name}"),
                "a zone of the IANA such as Europe/Berlin, one of Windows, or one that a VTIMEZONE describes",
            )),
        }
    }
}

/// A zone of the IANA, or one of Windows as Outlook names it. Some programs put their own name in front, as in
/// `/example.org/Europe/Berlin`.
pub(super) fn known(name: &str) -> Option<TimeZone> {
    let zone = |name: &str| chaos_core::calendar::time_zone(name).ok();
    let of_windows = || name.parse::<WindowsTimezone>().ok().and_then(|windows| zone(windows.tzdb_id()));
    let behind = || {
        let name = name.strip_prefix('/')?;
        name.match_indices('/')
            .find_map(|(slash, _)| zone(&name[slash + 1..]).filter(|_| name[slash + 1..].contains('/')))
    };
    zone(name).or_else(of_windows).or_else(behind)
}
