use chaos_core::{Error, Result};

use crate::{experiment::Experiment, runner::Runner};

/// What carries activities out, and what looks beside that.
pub(crate) fn runners(experiment: &Experiment) -> Result<(Runner, Runner)> {
    let variables = &experiment.settings.environment;
    let runner = || Ok::<_, Error>(Runner::start()?.with_variables(variables.iter().cloned()));
    let first = match &experiment.python {
        Some(program) => runner()?.with_python(program),
        None => runner()?,
    };
    let lookout = runner()?.looking_beside(&first);
    Ok((first, lookout))
}
