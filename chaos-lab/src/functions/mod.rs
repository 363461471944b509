//! Functions of Chaos Toolkit's extensions that are carried out here, without Python.
//!
//! A provider of type `python` that names one of them is checked as its signature wants. An action becomes an event of
//! this library on members of groups, with its recovery in the journal. A probe asks the cloud.

mod aim;
mod argument;
#[cfg(feature = "aws")]
mod aws;
mod aws_table;
#[cfg(feature = "azure")]
mod azure;
mod azure_table;
#[cfg(any(feature = "aws", feature = "azure"))]
mod blow;
#[cfg(not(any(feature = "aws", feature = "azure")))]
#[path = "no_blow.rs"]
mod blow;
#[cfg_attr(
    not(any(feature = "aws", feature = "azure")),
    expect(dead_code, reason = "only what does something in a cloud uses all of it")
)]
mod call;
mod carry_out;
#[cfg_attr(
    not(any(feature = "aws", feature = "azure", test)),
    expect(dead_code, reason = "only what does something in a cloud uses all of it")
)]
mod choice;
mod function;
mod known;
mod narrowed;

pub(crate) use aim::Aim;
pub(crate) use argument::Misfit;
pub(crate) use blow::recoveries;
pub(crate) use call::Call;
pub(crate) use choice::Share;
pub(crate) use function::{Deed, Function};
pub(crate) use narrowed::Narrowed;
