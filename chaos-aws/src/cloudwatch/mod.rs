//! Probes of a steady state that look at CloudWatch: the state of an alarm, and the newest number of a metric.

mod alarm;
mod cloud_watch;
mod metric;
mod settings;
mod statistic;

pub use alarm::CloudWatchAlarm;
pub use cloud_watch::CloudWatch;
pub use metric::CloudWatchMetric;
