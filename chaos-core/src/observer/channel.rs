use std::{fmt, num::NonZeroUsize, pin::Pin, task::Poll};

use async_trait::async_trait;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream, Stream},
};
use jiff::Timestamp;
use tokio::sync::broadcast::{
    self,
    error::RecvError::{Closed, Lagged},
};

use super::{Activity, Intended, Observer};
use crate::error::Result;

/// Makes an observer and a [`Stream`] of the activities that it is told about.
///
/// At least `capacity` activities wait for a slow reader; the number is rounded up to a power of two. Beyond that, the
/// oldest are dropped, so no recovery ever waits for a reader. The next [`Told`] that is read says [how many were
/// missed](Told::missed). A fault takes about ten activities, so 1,024 is plenty for most programs. A capacity above
/// 65,536 counts as 65,536.
///
/// The stream ends when every activity was read and the observer is gone, together with every monkey that has it.
///
/// ```
/// use std::num::NonZeroUsize;
/// use chaos_core::{
///     MemoryJournal, Monkey, Registry,
///     observer::{self, Activity},
///     testing::{ManualClock, MemoryProvider, PowerOff, PowerOn},
/// };
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> chaos_core::Result<()> {
/// let (observer, mut activities) = observer::channel(NonZeroUsize::new(1024).unwrap());
/// let monkey = Monkey::builder()
///     .provider(MemoryProvider::default().with_group("web", 5)?)
///     .event(PowerOff::default())
///     .also_observe(observer)
/// #   .clock(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()))
///     .unleash(MemoryJournal::new(), Registry::default().register::<PowerOn>())
///     .build()?;
/// tokio::spawn(async move { monkey.run_once().await });
/// let mut recovered = 0;
/// while let Some(told) = activities.next().await {
///     println!("{} {}", told.at, told.activity);
///     recovered += usize::from(matches!(told.activity, Activity::Recovered { .. }));
/// }
/// assert_eq!(recovered, 1);
/// # Ok(())
/// # }
/// ```
pub fn channel(capacity: NonZeroUsize) -> (ChannelObserver, Activities) {
    let (sender, receiver) = broadcast::channel(capacity.get().min(1 << 16));
    let told = stream::unfold(receiver, async |mut receiver| {
        let mut missed = 0;
        loop {
            match receiver.recv().await {
                Ok((at, activity)) => return Some((Told { at, activity, missed }, receiver)),
                Err(Lagged(more)) => missed += more,
                Err(Closed) => return None,
            }
        }
    });
    (ChannelObserver(sender), Activities(told.boxed()))
}

/// The end of a [`channel`] that you give to a monkey.
#[derive(Clone)]
pub struct ChannelObserver(broadcast::Sender<(Timestamp, Activity)>);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Observer for ChannelObserver {
    fn observe(&self, at: Timestamp, activity: &Activity) {
        // Without a reader, there is no one to tell.
        let _ = self.0.send((at, activity.clone()));
    }

    async fn before_injection(&self, _: Timestamp, _: &Intended) -> Result<()> {
        Ok(())
    }
}

impl fmt::Debug for ChannelObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChannelObserver")
    }
}

/// The end of a [`channel`] that you read: a [`Stream`] of activities.
#[must_use = "a stream that is not read loses the oldest activities"]
pub struct Activities(BoxStream<'static, Told>);

impl Activities {
    /// The next activity; `None` when no more can come.
    ///
    /// Cancel safe.
    pub async fn next(&mut self) -> Option<Told> {
        self.0.next().await
    }
}

impl Stream for Activities {
    type Item = Told;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> Poll<Option<Told>> {
        self.0.poll_next_unpin(context)
    }
}

impl fmt::Debug for Activities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Activities")
    }
}

/// One activity, as it is read from a [`channel`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Told {
    /// When it happened.
    pub at: Timestamp,
    /// The activity.
    pub activity: Activity,
    /// The number of activities before this one that were dropped because they were not read in time.
    pub missed: u64,
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn halted(number: usize) -> Activity {
        Activity::Halted { reason: number.to_string() }
    }

    fn told(observer: &ChannelObserver, numbers: impl Iterator<Item = usize>) {
        for number in numbers {
            observer.observe(Timestamp::UNIX_EPOCH, &halted(number));
        }
    }

    fn now(activities: &mut Activities) -> Option<Option<(Activity, u64)>> {
        Some(activities.next().now_or_never()?.map(|told| (told.activity, told.missed)))
    }

    #[test]
    fn a_reader_that_lags_is_told_how_much_it_missed_and_reads_the_latest() {
        let (observer, mut activities) = channel(NonZeroUsize::new(4).unwrap());
        told(&observer, 0..2);
        assert_eq!(now(&mut activities), Some(Some((halted(0), 0))));
        told(&observer, 2..10);
        assert_eq!(now(&mut activities), Some(Some((halted(6), 5))), "1 to 5 were dropped");
        assert_eq!(now(&mut activities), Some(Some((halted(7), 0))));
        told(&observer, 10..11);
        drop(observer);
        for number in 8..11 {
            assert_eq!(now(&mut activities), Some(Some((halted(number), 0))));
        }
        assert_eq!(now(&mut activities), Some(None));
    }

    #[test]
    fn a_call_that_was_dropped_loses_nothing_and_no_reader_is_no_trouble() {
        let (observer, mut activities) = channel(NonZeroUsize::new(usize::MAX).unwrap());
        assert_eq!(now(&mut activities), None, "nothing was told yet");
        told(&observer, 0..2);
        assert_eq!(now(&mut activities), Some(Some((halted(0), 0))));
        drop(activities);
        told(&observer, 2..5);
    }
}
