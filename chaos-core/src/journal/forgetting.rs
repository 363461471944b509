use super::{Forget, Forgotten, Journal};
use crate::error::Result;

/// Forgets all that `forget` says, call by call. Other callers of the journal have their turn between two calls.
///
/// ```
/// use chaos_core::{MemoryJournal, journal::{Forget, forget_all}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let journal = MemoryJournal::new();
/// let forget = Forget::before("2026-01-01T00:00:00Z".parse()?, "2026-12-01T00:00:00Z".parse()?);
/// let forgotten = forget_all(&journal, &forget).await?;
/// assert_eq!((forgotten.faults, forgotten.dues, forgotten.is_complete), (0, 0, true));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// If the journal fails. Everything that was forgotten before stays forgotten.
///
/// Cancel safe: the next call forgets what is left.
pub async fn forget_all(journal: &dyn Journal, forget: &Forget) -> Result<Forgotten> {
    let mut all = Forgotten::default();
    while !all.is_complete {
        let forgotten = journal.forget(forget).await?;
        all.faults += forgotten.faults;
        all.dues += forgotten.dues;
        all.is_complete = forgotten.is_complete;
        tokio::task::yield_now().await;
    }
    Ok(all)
}
