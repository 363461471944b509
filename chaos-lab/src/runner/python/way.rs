use std::time::Duration;

/// How an order is carried out.
#[derive(Clone, Copy, Debug)]
pub(in crate::runner) struct Way<'a> {
    /// What is called, as errors name it.
    pub(in crate::runner) what: &'a str,
    /// Whether it runs in a thread of its own, beside what is in the foreground.
    pub(in crate::runner) is_aside: bool,
    /// Whether it only looks, so that it may go on when nobody waits for it any more.
    pub(in crate::runner) is_look: bool,
    /// How long it may take.
    pub(in crate::runner) limit: Option<Duration>,
}
