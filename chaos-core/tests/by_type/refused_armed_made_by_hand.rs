//! Arming goes through the journal.

fn skip_the_journal(prepared: chaos_core::Prepared) -> chaos_core::Armed {
    chaos_core::Armed::new(prepared)
}

fn main() {}
