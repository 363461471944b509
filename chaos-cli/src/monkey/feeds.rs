//! Company calendars that are fetched from a URL.

use std::{sync::Arc, time::Duration};

use chaos_core::{
    Error, ErrorKind, Result,
    clock::{Clock, SystemClock},
    steady_state::{Probe, Reading},
};
use chaos_probes::Http;
use futures_util::future::join_all;
use serde_json::Value;

use super::file::{CalendarSection, FeedSection};

/// How long one of them may take.
const LIMIT: Duration = Duration::from_secs(20);

/// Fetches all feeds of a calendar. One that cannot be fetched goes on to count for a week, and then is closed.
pub(super) async fn fetch_all(calendar: Option<&CalendarSection>) {
    let feeds = calendar.into_iter().flat_map(|section| &section.feeds);
    join_all(feeds.map(fetch)).await;
}

async fn fetch(section: &Arc<FeedSection>) {
    let clock = SystemClock::default();
    let was_well = section.feed.last_error().is_none();
    let taken = match text(section, &clock).await {
        Ok(text) => section.feed.take(text, clock.now()),
        Err(error) => {
            section.feed.fail(error.clone());
            Err(error)
        }
    };
    if let Err(error) = taken
        && was_well
    {
        let error = error.chain();
        tracing::error!(feed = section.path, %error, "a company calendar cannot be fetched");
    }
}

async fn text(section: &FeedSection, clock: &dyn Clock) -> Result<String> {
    let http = Http::get(section.url.reveal()).text().answering_within(LIMIT);
    match http.look(clock).await? {
        Reading::Value(Value::String(text)) => Ok(text),
        Reading::NoAnswer(why) => Err(Error::new(ErrorKind::Unavailable, why)),
        _ => Err(Error::new(ErrorKind::Unavailable, "the answer is no text")),
    }
}
