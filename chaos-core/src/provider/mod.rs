//! Providers: where groups and targets come from, and which of them may be touched.
//!
//! A [`Provider`] lists the groups that a [`GroupFilter`] lets pass, and finds a target again from its id, perhaps in
//! another process than the one that discovered it. [`listing`](crate::listing) has what listings of clouds have in
//! common. A [`TargetPattern`] of the filter allows or denies groups and targets.

mod group_filter;
mod provider;
mod target_pattern;

pub use futures_util::stream::BoxStream;
pub use group_filter::GroupFilter;
pub(crate) use group_filter::{PermittedGroup, is_name_of};
pub use provider::Provider;
pub use target_pattern::TargetPattern;
