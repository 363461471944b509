use chaos_core::{
    Observer, async_trait,
    jiff::Timestamp,
    observer::{Activity, TracingObserver},
};

/// Logs what the fault of an experiment does. That its method was cut short is told by the report, in the words of
/// experiments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quiet;

#[async_trait]
impl Observer for Quiet {
    fn observe(&self, at: Timestamp, activity: &Activity) {
        match activity {
            Activity::InjectionFailed { fault, failure, .. } => {
                tracing::info!(fault = %fault.id, %failure, "the method was cut short; undoing it");
            }
            other => TracingObserver::default().observe(at, other),
        }
    }
}
