//! A monkey with a steady state: it looks before, during and after, and its report says no more than was seen.

mod after;
mod before;
mod during;
mod looks;
mod lost_watch;
mod momentary;
mod of_groups;
mod trial;
mod verdict;
mod victims;
