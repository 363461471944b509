use std::io::{self, BufRead, Write};

use chaos_core::{Error, ErrorKind, Result};
use tokio::task::spawn_blocking;

use super::live::Live;

/// Asks how many targets; an empty answer means `proposed`.
pub(super) async fn how_many(live: &Live, proposed: usize) -> Result<usize> {
    let answer = ask(live, format!("How many of them? [{proposed}] ")).await?;
    if answer.is_empty() {
        return Ok(proposed);
    }
    answer.parse().map_err(|_| Error::invalid("answer", format!("{answer:?}"), "a number"))
}

/// Asks whether to go on. Only a yes is one.
pub(super) async fn whether(live: &Live) -> Result<bool> {
    let answer = ask(live, "Inject? [y/N] ".to_owned()).await?.to_lowercase();
    Ok(answer == "y" || answer == "yes")
}

async fn ask(live: &Live, question: String) -> Result<String> {
    let lines = live.lines();
    let asked = spawn_blocking(move || -> io::Result<String> {
        lines.suspend(|| {
            let mut stderr = io::stderr().lock();
            stderr.write_all(question.as_bytes())?;
            stderr.flush()
        })?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        Ok(answer.trim().to_owned())
    });
    let failed = || Error::new(ErrorKind::Other, "the answer could not be read");
    match asked.await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(failed().caused_by(error)),
        Err(error) => Err(failed().caused_by(error)),
    }
}
