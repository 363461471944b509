use std::sync::Arc;

use async_trait::async_trait;
use chaos_core::{Provider, Result, TargetId};

/// A world in which the suite makes trouble: what stands between a provider and whatever it asks.
///
/// Each trouble lasts until [`heal`](Adversity::heal). What cannot happen on a platform is answered with
/// [`Happens::Never`] and the reason, which the report shows.
#[async_trait]
pub trait Adversity: Send + Sync {
    /// Another provider over the world, as another process would make it: with nothing kept from answers that others
    /// were given.
    async fn provider(&self) -> Result<Arc<dyn Provider>>;

    /// A target that is healthy at first, and may be stopped and started.
    fn target(&self) -> &TargetId;

    /// How many questions all providers together have asked so far, orders and what was refused included. `None`, the
    /// default, where nobody counts them.
    async fn asked(&self) -> Result<Option<usize>> {
        Ok(None)
    }

    /// By which names [`refuse`](Adversity::refuse) knows the ways in which this platform refuses and an hour later
    /// does not: a right that was not there yet, a session that has ended, a proxy, a throttle.
    fn refusals(&self) -> Vec<&'static str>;

    /// Refuses every question and every order in this way.
    async fn refuse(&self, way: &str) -> Result<Happens>;

    /// Cuts answers short, as a connection that breaks does where nobody notices; whatever carries them says that they
    /// are whole.
    async fn cut(&self, cut: Cut) -> Result<Happens>;

    /// Lists the target's group twice.
    async fn list_twice(&self) -> Result<Happens>;

    /// Lets no listing end: each of its pages names another one, which was not seen before.
    async fn never_end(&self) -> Result<Happens>;

    /// Deletes the target and makes another one of its name; one that its owner has stopped, where the platform lets
    /// them. Returns when it is there.
    async fn replace_target(&self) -> Result<Happens>;

    /// Ends all trouble. What was deleted stays so.
    async fn heal(&self) -> Result<()>;
}

/// Whether a trouble can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Happens {
    /// It does, from now on.
    Now,
    /// Never on this platform, for this reason.
    Never(String),
}

impl Happens {
    /// [`Never`](Happens::Never), for this reason.
    pub fn never(reason: impl Into<String>) -> Self {
        Self::Never(reason.into())
    }
}

/// Where answers are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cut {
    /// How many of the next answers stay whole. All that follow are cut.
    pub after: usize,
    /// How much is left of each, from 0 to 19.
    pub twentieths: usize,
}

impl Cut {
    /// At how many places an answer is cut.
    pub const PLACES: usize = 20;

    pub(super) fn at(after: usize, twentieths: usize) -> Self {
        Self { after, twentieths }
    }

    /// What is left of an answer.
    pub fn of<'a>(&self, answer: &'a [u8]) -> &'a [u8] {
        let left = answer.len() * self.twentieths / Self::PLACES;
        answer.get(..left).unwrap_or(answer)
    }
}
