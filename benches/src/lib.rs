//! Benchmarks. Run them with `cargo bench --package benches`.
//!
//! | benchmark | it times |
//! |---|---|
//! | `plan` | `Monkey::plan` over groups of 20 in memory, 10,000 to 1,000,000 targets: discovery, decisions, draw |
//! | `journal` | one fault in a journal in SQLite on disk: arm and the four marks, each durable when it returns |
//! | `recovery_record` | a recovery to its journal form and back |
//! | `accuracy` | nothing: it prints magnitudes and latencies of host faults, with `stress-ng` beside |
//! | `by_when` | nothing: it prints the time from the failure of a service during a fault to the start of the recovery |
