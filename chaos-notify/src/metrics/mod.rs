//! What happens, as figures for the facade [`metrics`].
//!
//! A program that installs a recorder, such as that of `metrics-exporter-prometheus`, and then adds a
//! [`MetricsObserver`] to its monkeys, has these. What no activity tells, its service says by [`ServiceMetrics`].
//!
//! | name | kind | labels | meaning |
//! |---|---|---|---|
//! | `chaos_runs_total` | counter | `outcome` | runs that ended |
//! | `chaos_runs_failed_total` | counter | | runs that could not be carried out |
//! | `chaos_faults_armed_total` | counter | `event`, `group` | faults whose recovery became durable |
//! | `chaos_injections_failed_total` | counter | `event`, `group` | injections that failed or may have |
//! | `chaos_faults_total` | counter | `event`, `group`, `outcome` | faults that are over: `recovered`, `gone` or `recovery-failed` |
//! | `chaos_recover_seconds` | histogram | `event`, `group` | from the injection until the target was healthy again |
//! | `chaos_revert_seconds` | histogram | `event`, `group` | from the first attempt of the recovery until it was verified |
//! | `chaos_recovery_retries_total` | counter | `event`, `group` | attempts of a recovery that were followed by another one |
//! | `chaos_journal_failures_total` | counter | | failures of the journal while a fault was in progress |
//! | `chaos_steady_state_violations_total` | counter | `phase` | probes that were violated: `before`, `during` or `after` the fault |
//! | `chaos_skips_total` | counter | `reason` | targets and groups that were left alone, by the kind of the [`Reason`](chaos_core::plan::Reason), such as `not-healthy` |
//! | `chaos_dues_total` | counter | `outcome` | dues of a schedule: `carried-out`, `would-have-been` or `missed` |
//! | `chaos_notifications_total` | counter | `channel`, `outcome` | notifications that were `delivered`, given up (`failed`), or left out because too many were waiting (`dropped`) |
//! | `chaos_faults_pending` | gauge | | faults of the journal that are not over, entries that cannot be read included |
//! | `chaos_halted` | gauge | | 1 if everything is halted, otherwise 0 |
//! | `chaos_next_opening_timestamp_seconds` | gauge | | when the calendar opens next, in seconds since 1970; NaN if that is not known |
//! | `chaos_reloads_failed_total` | counter | | files of settings that were read anew and not taken |
//!
//! Labels hold names of any content. The values of `group` are as many as there are groups with a fault; those of the
//! others are few.
//!
//! ```
//! use chaos_core::{MemoryJournal, Monkey, Registry, Result};
//! # use chaos_core::testing::{MemoryProvider, PowerOff, PowerOn};
//! use chaos_notify::metrics::{BUCKETS, MetricsObserver, ServiceMetrics};
//! use metrics_exporter_prometheus::PrometheusBuilder;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<()> {
//! let prometheus = PrometheusBuilder::new().set_buckets(&BUCKETS).unwrap().install_recorder().unwrap();
//! let monkey = Monkey::builder()
//!     .provider(MemoryProvider::default().with_group("web", 5)?)
//!     .event(PowerOff::default())
//!     .observer(MetricsObserver::new())
//!     .unleash(MemoryJournal::new(), Registry::default().register::<PowerOn>())
//!     .build()?;
//! monkey.run_once().await?.ensure_completed()?;
//! ServiceMetrics::new().pending(0);
//! let text = prometheus.render();
//! assert!(text.contains(r#"chaos_faults_total{event="power-off",group="memory:web",outcome="recovered"} 1"#));
//! # Ok(())
//! # }
//! ```

mod names;
mod observer;
mod service;

pub use names::BUCKETS;
pub(crate) use names::count_notifications;
pub use observer::MetricsObserver;
pub use service::ServiceMetrics;
