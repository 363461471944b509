/// What came of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Delivered,
    Failed,
    Dropped,
}

/// Counts messages that have come to an end, for the metrics.
#[cfg(feature = "metrics")]
pub(crate) fn count(channel: &str, end: End, number: usize) {
    let outcome = match end {
        End::Delivered => "delivered",
        End::Failed => "failed",
        End::Dropped => "dropped",
    };
    crate::metrics::count_notifications(channel, outcome, number);
}

/// Without the metrics, there is nothing to count.
#[cfg(not(feature = "metrics"))]
pub(crate) fn count(_: &str, _: End, _: usize) {}
