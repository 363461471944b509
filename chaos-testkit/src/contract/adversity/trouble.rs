use std::sync::Arc;

use async_trait::async_trait;
use chaos_core::{Provider, Result, TargetId};

/// A world in which the suite makes trouble between a provider and its platform.
///
/// Each trouble lasts until [`heal`](Adversity::heal). If a trouble cannot happen on a platform, return
/// [`Happens::Never`] with the reason, which the report shows.
#[async_trait]
pub trait Adversity: Send + Sync {
    /// Another provider over the world, as another process would make it: it shares no cached answers with others.
    async fn provider(&self) -> Result<Arc<dyn Provider>>;

    /// A target that is healthy at first, and may be stopped and started.
    fn target(&self) -> &TargetId;

    /// The number of questions that all providers together have asked so far, including orders and refused questions.
    /// `None`, the default, if they are not counted.
    async fn asked(&self) -> Result<Option<usize>> {
        Ok(None)
    }

    /// The names that [`refuse`](Adversity::refuse) accepts: the ways in which this platform refuses temporarily, such
    /// as a permission that has not propagated yet, an expired session, a proxy or a throttle.
    fn refusals(&self) -> Vec<&'static str>;

    /// Refuses every question and every order in this way.
    async fn refuse(&self, way: &str) -> Result<Happens>;

    /// Truncates answers, like a connection that breaks unnoticed: the transport reports them as complete.
    async fn cut(&self, cut: Cut) -> Result<Happens>;

    /// Lists the target's group twice.
    async fn list_twice(&self) -> Result<Happens>;

    /// Makes every listing endless: each of its pages names another, new one.
    async fn never_end(&self) -> Result<Happens>;

    /// Deletes the target and creates another one with its name, in a stopped state if the platform allows that.
    /// Returns when it exists.
    async fn replace_target(&self) -> Result<Happens>;

    /// Ends all trouble. A deleted target stays deleted.
    async fn heal(&self) -> Result<()>;
}

/// Whether a trouble can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Happens {
    /// It happens, from now on.
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

/// The place at which answers are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cut {
    /// The number of the next answers that stay complete. All later ones are cut.
    pub after: usize,
    /// How much of each is left, from 0 to 19.
    pub twentieths: usize,
}

impl Cut {
    /// The number of places at which an answer is cut.
    pub const PLACES: usize = 20;

    pub(super) fn at(after: usize, twentieths: usize) -> Self {
        Self { after, twentieths }
    }

    /// The rest of an answer.
    pub fn of<'a>(&self, answer: &'a [u8]) -> &'a [u8] {
        let left = answer.len() * self.twentieths / Self::PLACES;
        answer.get(..left).unwrap_or(answer)
    }
}
