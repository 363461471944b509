use super::{
    MonkeyArguments, check,
    file::{Catalogues, MonkeyFile, Problems},
    preview, service,
};
use crate::{
    catalogue::Catalogue,
    program::{LogTo, ProgramResult, Status, complain, lines_on_stderr},
};

/// Runs the monkey of a file until it is stopped, or shows what it would do.
///
/// # Errors
/// If what the file refers to cannot be reached, and if the journal cannot be opened.
pub(crate) async fn monkey(arguments: MonkeyArguments, catalogue: &Catalogue) -> ProgramResult {
    let file = match read(&arguments, catalogue) {
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
        None => service::live(arguments, file, catalogue).await,
    }
}

/// Reads the file that `arguments` name.
pub(super) fn read(arguments: &MonkeyArguments, catalogue: &Catalogue) -> Result<MonkeyFile, Problems> {
    let catalogues = Catalogues {
        events: catalogue.events.clone(),
        providers: catalogue.providers.clone(),
        probes: chaos_probes::catalogue(),
    };
    MonkeyFile::read(&arguments.config, &arguments.set, &catalogues)
}
