use std::io::{self, BufRead, IsTerminal, Write};

use chaos_core::{async_trait, text::escaped};
use chaos_lab::run::Approve;
use tokio::task::spawn_blocking;

/// Asks the person at the terminal. Without one, nothing is approved.
#[derive(Debug)]
pub(super) struct AtTerminal;

#[async_trait]
impl Approve for AtTerminal {
    async fn approve(&self, question: &str) -> bool {
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return false;
        }
        let question = escaped(question).to_string();
        let answer = spawn_blocking(move || -> io::Result<String> {
            let mut stderr = io::stderr().lock();
            write!(stderr, "{question} [y/N] ")?;
            stderr.flush()?;
            drop(stderr);
            let mut answer = String::new();
            io::stdin().lock().read_line(&mut answer)?;
            Ok(answer.trim().to_lowercase())
        });
        // Only these are a yes.
        matches!(answer.await, Ok(Ok(answer)) if answer == "y" || answer == "yes")
    }
}
