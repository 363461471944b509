use std::{path::Path, sync::Arc};

use chaos_core::{
    Calendar, Error, MemoryJournal, Monkey, MonkeyBuilder, Provider, calendar::Always, catalogue::Naming,
    observer::Observer,
};
use chaos_journal::SqlJournal;

use super::{
    file::{MonkeyFile, Pace, ProviderSection},
    narrowed::Narrowed,
};
use crate::{catalogue::Catalogue, journal, program::ProgramError};

/// The journals that a monkey may be over.
#[derive(Debug, Default)]
pub(super) struct Over {
    /// That of the file.
    pub(super) journal: Option<Arc<SqlJournal>>,
    /// For a leashed monkey whose file names none.
    pub(super) rehearsal: MemoryJournal,
}

/// A monkey that a file asks for, and what the service needs beside it.
#[derive(Debug)]
pub(super) struct Assembled {
    pub(super) monkey: Monkey,
    /// Kept for the service, which looks into it.
    pub(super) journal: Option<Arc<SqlJournal>>,
    pub(super) rehearsal: MemoryJournal,
    pub(super) calendar: Arc<dyn Calendar>,
    pub(super) providers: Vec<Arc<dyn Provider>>,
}

/// Makes the monkey of `file`, over these journals. It connects to the providers, and touches nothing.
pub(super) async fn assemble(
    file: &MonkeyFile,
    catalogue: &Catalogue,
    over: Over,
    observers: &[Arc<dyn Observer>],
) -> Result<Assembled, ProgramError> {
    let calendar: Arc<dyn Calendar> = match &file.calendar {
        Some(section) => Arc::clone(&section.calendar),
        None => Arc::new(Always),
    };
    let mut builder = Monkey::builder().calendar(Arc::clone(&calendar));
    let mut blast_radius = file.blast_radius.clone();
    let mut providers = Vec::new();
    for section in &file.providers {
        let opened = open(section, catalogue).await?;
        if let (Some(domain), None) = (opened.domain, blast_radius.domain()) {
            blast_radius = blast_radius.within(domain);
        }
        let narrow = |provider| -> Arc<dyn Provider> {
            match opened.filter.names() {
                Some(_) => Arc::new(Narrowed::to(provider, opened.filter.clone())),
                None => provider,
            }
        };
        providers.extend(opened.providers.into_iter().map(narrow));
    }
    builder = providers.iter().fold(builder, |builder, provider| builder.provider(Arc::clone(provider)));
    builder = file.events.iter().fold(builder, |builder, event| builder.event(Arc::clone(event.event())));
    builder = builder.blast_radius(blast_radius);
    builder = observers.iter().fold(builder, |builder, observer| builder.also_observe(Arc::clone(observer)));
    if let Some(steady_state) = &file.steady_state {
        builder = builder.steady_state(steady_state.clone());
    }
    builder = builder.groups(file.targets.filter.clone());
    builder = file.groups.iter().cloned().fold(builder, MonkeyBuilder::group_rule);
    if let Some(age) = file.targets.min_age {
        builder = builder.min_age(age);
    }
    if let Some(cool_down) = file.cool_down {
        builder = builder.cool_down(cool_down);
    }
    if let Some(budget) = file.recovery_budget {
        builder = builder.recovery_budget(budget);
    }
    if let Some(seed) = file.seed {
        builder = builder.seed(seed);
    }
    builder = paced(builder, &file.pace);
    if let Some(keep) = file.keep {
        builder = builder.keep(keep);
    }
    let registry = catalogue.events.registry();
    let Over { journal, rehearsal } = over;
    builder = match &journal {
        Some(journal) if file.is_unleashed => builder.unleash(Arc::clone(journal), registry),
        Some(journal) => builder.rehearse(Arc::clone(journal), registry),
        None => builder.rehearse(rehearsal.clone(), registry),
    };
    Ok(Assembled { monkey: builder.build()?, journal, rehearsal, calendar, providers })
}

impl From<Option<Arc<SqlJournal>>> for Over {
    fn from(journal: Option<Arc<SqlJournal>>) -> Self {
        Self { journal, ..Self::default() }
    }
}

/// Opens the journal of `file`, and creates it if it is missing.
pub(super) async fn open_journal(path: Option<&Path>) -> Result<Option<Arc<SqlJournal>>, ProgramError> {
    Ok(match path {
        Some(path) => Some(Arc::new(journal::open(path).await?)),
        None => None,
    })
}

/// Opens the journal of `file` if it is there, and creates none.
pub(super) async fn open_existing_journal(
    path: Option<&Path>,
) -> Result<Option<Arc<SqlJournal>>, ProgramError> {
    Ok(match path.filter(|path| path.exists()) {
        Some(path) => Some(Arc::new(journal::open_existing(path).await?)),
        None => None,
    })
}

fn paced(builder: MonkeyBuilder, pace: &Pace) -> MonkeyBuilder {
    match pace {
        Pace::Every(interval) => builder.every(*interval),
        Pace::Scheduled { schedule, retry_every } => {
            let builder = builder.schedule(schedule.clone());
            match retry_every {
                Some(wait) => builder.retry_dues_every(*wait),
                None => builder,
            }
        }
    }
}

async fn open(
    section: &ProviderSection,
    catalogue: &Catalogue,
) -> Result<chaos_core::catalogue::Opened, ProgramError> {
    let opened = catalogue.providers.open(&section.name, &section.settings, Naming::Fields).await;
    opened.map_err(|error| {
        let field = error.field().map(|field| format!("{}.{field}", section.path));
        let error: Error = match field {
            Some(field) => error.in_field(field),
            None => error.with("provider", section.title()),
        };
        error.into()
    })
}
