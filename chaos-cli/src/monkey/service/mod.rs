//! The life of a monkey that is left running: signals, reloads, health, and what a service manager is told.

mod calendars;
mod http;
mod life;
mod listeners;
mod reload;
mod running;
mod signals;
mod supervisor;
mod vitals;

pub(super) use life::live;
