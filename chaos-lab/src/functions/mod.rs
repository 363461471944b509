//! Functions of Chaos Toolkit's extensions that are carried out here, without Python.
//!
//! A provider of type `python` that names one of them is checked as its signature wants. An action becomes an event of
//! this library on members of groups, with its recovery in the journal. A probe asks the cloud.

mod argument;
#[cfg(feature = "aws")]
mod aws;
mod aws_table;
#[cfg(feature = "azure")]
mod azure;
mod azure_table;
#[cfg_attr(
    not(any(feature = "aws", feature = "azure")),
    expect(dead_code, reason = "only what does something in a cloud uses all of it")
)]
mod call;
mod carry_out;
#[cfg(any(feature = "aws", feature = "azure"))]
mod choice;
#[cfg(any(feature = "aws", feature = "azure"))]
mod events;
mod function;
#[cfg(any(feature = "aws", feature = "azure"))]
mod injection;
mod known;
#[cfg(any(feature = "aws", feature = "azure"))]
mod narrowed;

pub(crate) use argument::Misfit;
pub(crate) use call::Call;
#[cfg(any(feature = "aws", feature = "azure"))]
pub(crate) use choice::Share;
#[cfg(any(feature = "aws", feature = "azure"))]
pub(crate) use events::recoveries;
pub(crate) use function::Function;
#[cfg(any(feature = "aws", feature = "azure"))]
pub(crate) use injection::Injection;
#[cfg(any(feature = "aws", feature = "azure"))]
pub(crate) use narrowed::Narrowed;
