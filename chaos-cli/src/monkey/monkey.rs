use super::{
    MonkeyArguments, check,
    file::schema,
    preview,
    read::{catalogues, read},
    service,
};
use crate::{
    catalogue::Catalogue,
    program::{LogTo, ProgramResult, Status, complain, lines_on_stderr, print_json},
};

/// Runs the monkey of a file until it is stopped, or shows what it would do.
///
/// # Errors
/// If what the file refers to cannot be reached, and if the journal cannot be opened.
pub async fn monkey(arguments: MonkeyArguments, catalogue: &Catalogue) -> ProgramResult {
    if arguments.schema {
        print_json(&schema(&catalogues(catalogue)))?;
        return Ok(Status::Done);
    }
    let config = arguments.config.clone().unwrap_or_default();
    let file = match read(&config, &arguments.set, catalogue) {
        Ok(file) => file,
        Err(problems) => {
            complain(&problems.to_string());
            return Ok(Status::BadArguments);
        }
    };
    match &arguments.preview {
        Some(span) => {
            LogTo::start(lines_on_stderr());
            preview::preview(span, &file, catalogue, arguments.json).await
        }
        None if arguments.check => {
            LogTo::start(lines_on_stderr());
            check::check(&file, catalogue).await
        }
        None => service::live(config, arguments.set, file, catalogue).await,
    }
}
