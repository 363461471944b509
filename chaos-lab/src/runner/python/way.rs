use std::time::Duration;

/// How an order is carried out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way<'a> {
    /// What is called, as errors name it.
    pub(crate) what: &'a str,
    /// Whether it runs in a thread of its own, beside what is in the foreground.
    pub(crate) is_aside: bool,
    /// Whether it only looks, so that it may go on when nobody waits for it any more.
    pub(crate) is_look: bool,
    /// How long it may take.
    pub(crate) limit: Option<Duration>,
}
