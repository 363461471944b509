//! Benchmarks. Run them with `cargo bench --package benches`.
//!
//! | benchmark | what it times |
//! |---|---|
//! | `plan` | `Monkey::plan` over groups of 20 in memory, 10,000 to 1,000,000 targets: discovery, decision for each target, draw |
//! | `journal` | one fault's way through a journal in SQLite on disk: arm and the four marks, each durable when it returns |
//! | `recovery_record` | a recovery to its journal form and back |
//! | `accuracy` | nothing: it prints what host faults achieve of what is requested, beside `stress-ng`, and how soon they come and go |
