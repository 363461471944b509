//! Messages by mail.

mod email;
mod letter;

pub use email::{Email, EmailBuilder};
