use std::io::{self, BufRead, Write};

use chaos_core::{Error, ErrorKind, Result};
use tokio::task::spawn_blocking;

use super::{live::Live, order::Bounds};

/// Asks for the number of targets until the answer is possible. An empty answer means `proposed`, and the end of the
/// input means 0.
pub(super) async fn how_many(live: &Live, proposed: usize, bounds: Bounds) -> Result<usize> {
    let Bounds { most, all } = bounds;
    loop {
        let question = format!("How many of the {all}? At most {most}, 0 stops here. [{proposed}] ");
        let Some(answer) = ask(live, question).await? else {
            return Ok(0);
        };
        match answer.parse() {
            _ if answer.is_empty() => return Ok(proposed),
            Ok(count) if count <= most => return Ok(count),
            Ok(count) => live.say(&format!("{count} is too many: {}", bounds.why())),
            Err(_) => live.say(&format!("{answer:?} is not a whole number from 0 to {most}")),
        }
    }
}

/// Asks whether to inject. Only `y` and `yes` are a yes.
pub(super) async fn whether(live: &Live) -> Result<bool> {
    let answer = ask(live, "Inject? [y/N] ".to_owned()).await?.unwrap_or_default().to_lowercase();
    Ok(answer == "y" || answer == "yes")
}

/// The answer; `None` at the end of the input.
async fn ask(live: &Live, question: String) -> Result<Option<String>> {
    let lines = live.lines();
    let asked = spawn_blocking(move || -> io::Result<Option<String>> {
        lines.suspend(|| write(&question))?;
        let mut answer = String::new();
        if io::stdin().lock().read_line(&mut answer)? == 0 {
            lines.suspend(|| write("\n"))?;
            return Ok(None);
        }
        Ok(Some(answer.trim().to_owned()))
    });
    let failed = || Error::new(ErrorKind::Other, "the answer could not be read");
    match asked.await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(failed().caused_by(error)),
        Err(error) => Err(failed().caused_by(error)),
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    stderr.write_all(text.as_bytes())?;
    stderr.flush()
}
