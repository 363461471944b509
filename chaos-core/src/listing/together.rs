use std::{
    collections::HashMap,
    fmt,
    future::Future,
    hash::Hash,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};

use tokio::task::{JoinError, JoinHandle};

use crate::{
    clock::{Clock, SystemClock},
    contain::{contained, within},
    error::{Error, ErrorKind, Result},
};

/// How long a hanging look delays the next one.
const PATIENCE: Duration = Duration::from_secs(20);

/// The number of keys that each question may search for finished looks.
const FEW: usize = 16;

/// Lets concurrent questions share one answer. The look behind an answer never began before the question was asked.
///
/// Each key has at most one look in progress. Callers that ask meanwhile all wait for the next look, which begins after
/// all of them have asked. So a caller that changes something and then asks never sees the old state. A cache cannot
/// promise that.
///
/// Looks run as tasks of their own on the tokio runtime, so they make progress while the callers are busy elsewhere. A
/// look that hangs delays the next one by 20 seconds, and is cancelled when no caller waits for it any longer.
///
/// ```
/// use chaos_core::listing::Together;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> chaos_core::Result<()> {
/// let looks: Together<&str, u32> = Together::default();
/// assert_eq!(looks.ask("web", || async { Ok(7) }).await?, 7);
/// # Ok(())
/// # }
/// ```
pub struct Together<K, V> {
    looks: Mutex<HashMap<K, Look<V>>>,
    clock: Arc<dyn Clock>,
}

/// The latest look for one key.
struct Look<V> {
    /// Exists as long as a caller waits for it.
    answer: WeakShared<BoxFuture<'static, Result<V>>>,
    has_begun: Arc<AtomicBool>,
}

impl<V: Clone> Look<V> {
    /// `None` if it is answered, or if no caller waits for it.
    fn under_way(&self) -> Option<Shared<BoxFuture<'static, Result<V>>>> {
        self.answer.upgrade().filter(|answer| answer.peek().is_none())
    }
}

/// The task of a look, which ends when no caller waits for it any longer.
struct Task<V>(JoinHandle<Result<V>>);

impl<V> Drop for Task<V> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<K, V> Together<K, V> {
    /// No look is in progress yet. `clock` measures how long a look takes.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { looks: Mutex::default(), clock }
    }
}

impl<K, V> Together<K, V>
where
    K: Eq + Hash,
    V: Clone + Send + Sync + 'static,
{
    /// The answer of a look that begins after this call: one that others have requested and that has not begun yet, or
    /// the one that `look` makes.
    ///
    /// # Errors
    /// Those of the look, which every caller that shares it gets; `Panicked` if the look panics.
    ///
    /// Cancel safe: the look continues as long as another caller waits for it.
    pub async fn ask<F>(&self, key: K, look: impl FnOnce() -> F + Send) -> Result<V>
    where
        F: Future<Output = Result<V>> + Send + 'static,
    {
        self.join(key, look).await
    }

    fn join<F>(&self, key: K, look: impl FnOnce() -> F) -> Shared<BoxFuture<'static, Result<V>>>
    where
        F: Future<Output = Result<V>> + Send + 'static,
    {
        let mut looks = self.looks();
        // A finished look is of no use to a new caller. If there are many keys, finished looks are removed only when
        // there is no room for another key. Otherwise each caller would search all of them.
        if looks.len() <= FEW || looks.len() == looks.capacity() {
            looks.retain(|_, look| look.under_way().is_some());
        }
        let before = looks.get(&key).and_then(|look| Some((look.under_way()?, &look.has_begun)));
        let before = match before {
            Some((answer, has_begun)) if !has_begun.load(Ordering::SeqCst) => return answer,
            before => before.map(|(answer, _)| answer),
        };
        let looked = look();
        let has_begun = Arc::new(AtomicBool::new(false));
        let (begin, clock) = (Arc::clone(&has_begun), Arc::clone(&self.clock));
        let mut task = Task(tokio::spawn(async move {
            if let Some(before) = before {
                let _ = within(clock.as_ref(), PATIENCE, "the earlier look", before).await;
            }
            // Callers that are about to ask share it then, instead of waiting for the next one.
            tokio::task::yield_now().await;
            begin.store(true, Ordering::SeqCst);
            contained("the look", looked).await
        }));
        let answer = async move { (&mut task.0).await.unwrap_or_else(|error| Err(lost(error))) };
        let answer = answer.boxed().shared();
        if let Some(weak) = answer.downgrade() {
            looks.insert(key, Look { answer: weak, has_begun });
        }
        answer
    }

    fn looks(&self) -> MutexGuard<'_, HashMap<K, Look<V>>> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lost(error: JoinError) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "the tokio runtime is shutting down, so the look at the platform was cancelled",
    )
    .caused_by(error)
}

impl<K, V> Default for Together<K, V> {
    fn default() -> Self {
        Self::new(Arc::new(SystemClock::default()))
    }
}

impl<K, V> fmt::Debug for Together<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Together").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::atomic::AtomicUsize, time::Duration};

    use futures_util::future::join_all;

    use super::*;

    /// When it is over, answers with the number of looks that have begun, including this one.
    fn count(begun: &Arc<AtomicUsize>) -> impl FnOnce() -> BoxFuture<'static, Result<usize>> + Send + use<> {
        let begun = Arc::clone(begun);
        move || {
            async move {
                let number = begun.fetch_add(1, Ordering::SeqCst) + 1;
                SystemClock::default().sleep(Duration::from_secs(1)).await;
                Ok(number)
            }
            .boxed()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_while_a_look_is_under_way_shares_the_next() {
        let (looks, begun) = (Together::default(), Arc::new(AtomicUsize::new(0)));
        let first = looks.ask("web", count(&begun));
        let others = async {
            SystemClock::default().sleep(Duration::from_millis(500)).await;
            join_all((0..9).map(|_| looks.ask("web", count(&begun)))).await
        };
        let elsewhere = looks.ask("db", || async { Ok(99) });
        let (first, others, elsewhere) = tokio::join!(first, others, elsewhere);
        assert_eq!((first.unwrap(), elsewhere.unwrap()), (1, 99));
        for other in others {
            assert_eq!(other.unwrap(), 2, "none was asked before the first look began");
        }
        assert_eq!(looks.ask("web", count(&begun)).await.unwrap(), 3, "nothing is kept");
        assert!(looks.looks().len() <= 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_and_a_panic_are_told_to_all_and_are_over_then() {
        let looks: Together<u8, u8> = Together::default();
        let failing = || async { Err(Error::new(ErrorKind::Throttled, "slower")) };
        let (one, other) = tokio::join!(looks.ask(1, failing), looks.ask(1, failing));
        assert_eq!(
            (one.unwrap_err().kind(), other.unwrap_err().kind()),
            (ErrorKind::Throttled, ErrorKind::Throttled)
        );
        let panicking = looks.ask(1, || async { panic!("on purpose") }).await;
        assert_eq!(panicking.unwrap_err().kind(), ErrorKind::Panicked);
        assert_eq!(looks.ask(1, || async { Ok(7) }).await.unwrap(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_holds_nobody_else_up() {
        let (looks, begun) = (Together::default(), Arc::new(AtomicUsize::new(0)));
        let (clock, limit) = (SystemClock::default(), Duration::from_millis(10));
        let impatient = within(&clock, limit, "the look", looks.ask("web", count(&begun))).await;
        assert!(impatient.is_err());
        assert_eq!(looks.ask("web", count(&begun)).await.unwrap(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_hangs_holds_the_next_up_for_a_while_and_is_ended() {
        /// Signals when it is dropped.
        struct Ended(Arc<AtomicBool>);
        impl Drop for Ended {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
            }
        }

        let clock = Arc::new(SystemClock::default());
        let looks: Together<u8, u8> = Together::new(clock.clone());
        let has_ended = Arc::new(AtomicBool::new(false));
        let ended = Ended(Arc::clone(&has_ended));
        let hanging = looks.ask(1, || async move {
            let _ended = ended;
            std::future::pending().await
        });
        // A caller waits for it much longer.
        let patient = within(clock.as_ref(), PATIENCE * 3, "the look", hanging);
        let (patient, waited) = tokio::join!(patient, async {
            clock.sleep(Duration::from_secs(1)).await;
            let asked = clock.monotonic();
            assert_eq!(looks.ask(1, || async { Ok(7) }).await.unwrap(), 7);
            clock.monotonic() - asked
        });
        assert!(patient.is_err());
        assert!(waited >= PATIENCE && waited < PATIENCE * 2, "{waited:?}");
        tokio::task::yield_now().await;
        assert!(has_ended.load(Ordering::SeqCst));
    }
}
