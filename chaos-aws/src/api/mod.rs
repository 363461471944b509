//! Single calls of AWS, with answers as JSON.
//!
//! [`Api`] is for programs that read experiments of other tools: their probes expect the answers of AWS in the form in
//! which AWS documents them.

mod api;
mod auto_scaling;
mod experiments;
mod instances;
mod json;
mod metrics;

pub use api::Api;
pub use metrics::MetricQuery;
