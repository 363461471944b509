//! The page: HTML with pictures of its own, which loads nothing and runs nothing.

mod axis;
mod bands;
mod facts;
mod icon;
mod page;
mod plot;
mod probes;
mod table;
mod time_line;

pub use page::html;
