//! What providers that list a cloud have in common: names with wildcards, consent by tag, listings in pages, and looks
//! that are shared.

mod consent;
mod name_pattern;
mod pages;
mod together;

pub use consent::{Consent, ENABLED_TAG};
pub use name_pattern::NamePattern;
pub use pages::{Page, pages, until_error};
pub use together::Together;
