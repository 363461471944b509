use std::{ops::Range, sync::Arc};

use chaos_core::{Result, calendar::Span};
use jiff::Timestamp;

/// An event as it happens once.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) reason: Arc<str>,
}

/// The time that instances take within a period, as spans in order and apart. Of two at once, the earlier one is the
/// reason until it ends.
pub(super) fn spans(mut instances: Vec<Instance>, period: &Range<Timestamp>) -> Result<Vec<Span>> {
    instances.sort_by(|one, other| {
        one.start.cmp(&other.start).then(other.end.cmp(&one.end)).then_with(|| one.reason.cmp(&other.reason))
    });
    let mut spans = Vec::new();
    let mut covered = period.start;
    for instance in instances {
        let (start, end) = (instance.start.max(covered), instance.end.min(period.end));
        if start < end {
            spans.push(Span::new(start, end)?.because(instance.reason));
            covered = end;
        }
    }
    Ok(spans)
}
