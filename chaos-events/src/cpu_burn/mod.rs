//! CPU burn: keeps cores of a target's machine busy for a while.

mod cpu_burn;
mod end_cpu_burn;
mod room;
mod script;
mod spec;

pub use cpu_burn::CpuBurn;
pub use end_cpu_burn::EndCpuBurn;
