//! A calendar of your own: office hours, and no chaos in the two days before a release.

use chaos_core::{
    BusinessHours, Calendar, Monkey, Result,
    calendar::{CalendarExt, CalendarState, Closed, Exclusion, Span},
    jiff::{SignedDuration, Timestamp},
    testing::{MemoryProvider, PowerOff},
};

/// The times of the next releases.
#[derive(Debug)]
struct Releases(Vec<Timestamp>);

/// The spans that a calendar leaves out. It returns the span that contains an instant, or else the next one.
impl Exclusion for Releases {
    fn next(&self, at: Timestamp) -> Option<Span> {
        let freeze = SignedDuration::from_hours(48);
        let upcoming = self.0.iter().filter(|release| **release > at).min()?;
        // If there is any doubt, everything is left out: no chaos then.
        Some(Span::new(*upcoming - freeze, *upcoming).unwrap_or(Span::ALL).because("a release is near"))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let at = |text: &str| text.parse::<Timestamp>().unwrap_or(Timestamp::MIN);
    let calendar = || -> Result<_> {
        let releases = Releases(vec![at("2026-03-05T12:00:00Z")]);
        Ok(BusinessHours::new("Europe/London")?.hours(9, 15).except(releases))
    };
    for instant in ["2026-03-02T10:00:00Z", "2026-03-02T20:00:00Z", "2026-03-04T10:00:00Z"] {
        match calendar()?.state(at(instant)) {
            CalendarState::Open(window) => println!("{instant}: open until {}", window.closes),
            CalendarState::Closed(Closed { reason: Some(reason), .. }) => {
                println!("{instant}: closed, because {reason}")
            }
            CalendarState::Closed(_) => println!("{instant}: closed"),
        }
    }
    // Nor does a fault begin that could not be undone before the calendar closes.
    let monkey = Monkey::builder()
        .provider(MemoryProvider::default().with_group("web", 5)?)
        .event(PowerOff::default())
        .calendar(calendar()?)
        .build()?;
    println!("now: {} chosen", monkey.plan().await?.chosen().count());
    Ok(())
}
