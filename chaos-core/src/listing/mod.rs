//! The common parts of providers that list a cloud: the selection of groups by name, pattern, tag and consent, listings
//! in pages, and shared looks.

mod consent;
mod name_pattern;
mod pages;
mod selection;
mod together;

pub use consent::{Consent, ENABLED_TAG};
pub use name_pattern::NamePattern;
pub use pages::{Page, pages, until_error};
pub use selection::Selection;
pub use together::Together;
