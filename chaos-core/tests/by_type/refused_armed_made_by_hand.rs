//! Arming goes through the journal.

fn skip_the_journal(prepared: chaos_core::Prepared) -> chaos_core::fault::Armed {
    chaos_core::fault::Armed::new(prepared)
}

fn main() {}
