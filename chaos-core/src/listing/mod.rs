//! The common parts of providers that list a cloud: names with wildcards, consent by tag, listings in pages, and shared
//! looks.

mod consent;
mod name_pattern;
mod pages;
mod together;

pub use consent::{Consent, ENABLED_TAG};
pub use name_pattern::NamePattern;
pub use pages::{Page, pages, until_error};
pub use together::Together;
