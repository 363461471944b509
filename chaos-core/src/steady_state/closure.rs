use std::{fmt, future::Future, time::Duration};

use async_trait::async_trait;
use serde_json::Value;

use super::{Probe, Reading};
use crate::{
    clock::Clock,
    error::{Error, Result},
    text::duration_text,
};

/// Makes a [`Probe`] from a closure. `looks_at` says in reports what it looks at.
///
/// It must not block its thread: a blocked runtime may be late for the end of a fault. Blocking code belongs into
/// `tokio::task::spawn_blocking`.
///
/// The closure returns a future of a boolean, a number, a text, a [`Value`], a [`Reading`], or a [`Result`] of one of
/// them. `Err` means that nobody could look. If the system did not answer, return [`Reading::no_answer`].
///
/// ```
/// use chaos_core::{probe, steady_state::Reading};
///
/// let customers = probe("the shop", || async { true });
/// let orders = probe("the orders", || async {
///     match read_orders().await {
///         Ok(waiting) => Reading::from(waiting),
///         Err(error) => Reading::no_answer(error.to_string()),
///     }
/// });
/// # async fn read_orders() -> std::io::Result<u32> { Ok(7) }
/// assert_eq!(customers.to_string(), "the shop");
/// # drop(orders);
/// ```
pub fn probe<F, A>(looks_at: impl Into<String>, look: F) -> ProbeFn<F>
where
    F: Fn() -> A + Send + Sync + 'static,
    A: Future<Output: Answer> + Send,
{
    ProbeFn { looks_at: looks_at.into(), look, limit: None }
}

/// A closure as a probe, made by [`probe`].
#[derive(Clone)]
pub struct ProbeFn<F> {
    looks_at: String,
    look: F,
    limit: Option<Duration>,
}

impl<F> ProbeFn<F> {
    /// Sets how long the system may take to answer. Longer silence is [`Reading::NoAnswer`], a violation. Without this,
    /// it is a doubt once the time limit of the steady state has passed. Choose a limit shorter than that.
    #[must_use]
    pub fn answering_within(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }
}

impl<F> fmt::Debug for ProbeFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProbeFn")
            .field("looks_at", &self.looks_at)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl<F> fmt::Display for ProbeFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.looks_at)
    }
}

#[async_trait]
impl<F, A> Probe for ProbeFn<F>
where
    F: Fn() -> A + Send + Sync + 'static,
    A: Future<Output: Answer> + Send,
{
    async fn look(&self, clock: &dyn Clock) -> Result<Reading> {
        let looking = (self.look)();
        let Some(limit) = self.limit else {
            return looking.await.into_reading();
        };
        tokio::select! {
            biased;
            answer = looking => answer.into_reading(),
            () = clock.sleep(limit) => {
                Ok(Reading::no_answer(format!("silent for {}", duration_text(limit))))
            }
        }
    }

    fn check(&self) -> Result<()> {
        match self.limit {
            Some(limit) if limit.is_zero() => Err(Error::invalid("answering_within", "0s", "more than zero")),
            _ => Ok(()),
        }
    }
}

/// The answer of a closure that [`probe`] makes a probe from.
pub trait Answer {
    /// The answer as a reading.
    ///
    /// # Errors
    /// If nobody could look.
    fn into_reading(self) -> Result<Reading>;
}

impl<A: Answer> Answer for Result<A> {
    fn into_reading(self) -> Result<Reading> {
        self?.into_reading()
    }
}

macro_rules! answers {
    ($($kind:ty),*) => {$(
        impl Answer for $kind {
            fn into_reading(self) -> Result<Reading> {
                Ok(self.into())
            }
        }
    )*};
}

answers!(bool, i8, i16, i32, i64, u8, u16, u32, u64, isize, usize, f32, f64, &str, String, Value, Reading);
