//! `Microsoft.ResourceGraph/resources`: queries over all resources of a subscription.

mod answer;
mod condition;
mod query;
mod reader;
mod rows;
mod words;

pub(super) use answer::answer;
