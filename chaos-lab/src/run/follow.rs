use std::fmt;

use super::ActivityRun;

/// Who is told of the steps of a run as they happen, for example to show them.
pub trait Follow: fmt::Debug + Send + Sync + 'static {
    /// An activity of the method or of the rollbacks begins.
    fn begins(&self, activity: &ActivityRun, is_rollback: bool);

    /// It has ended.
    fn ended(&self, activity: &ActivityRun, is_rollback: bool);
}
