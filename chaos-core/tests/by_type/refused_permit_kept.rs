//! A permit is lent to the injection, which cannot keep it.

use std::sync::mpsc::Sender;

use chaos_core::{Permit, Prepared, testing::PowerOn};

fn keep(keeper: Sender<&'static Permit>) -> Prepared {
    Prepared::new(PowerOn::default(), move |permit| {
        Box::pin(async move {
            let _ = keeper.send(permit);
            Ok(())
        })
    })
}

fn main() {}
