//! What providers that list a cloud have in common: names with wildcards, consent by tag, and listings in pages.

mod consent;
mod name_pattern;
mod pages;

pub use consent::{Consent, ENABLED_TAG};
pub use name_pattern::NamePattern;
pub use pages::{Page, pages, until_error};
