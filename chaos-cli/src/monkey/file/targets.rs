use std::time::Duration;

use chaos_core::{
    catalogue::{Arguments, Parameter, Parameters},
    provider::{GroupFilter, TargetPattern},
};

use super::reader::{Reader, Section};

/// `[targets]`: who is never touched.
#[derive(Clone, Debug, Default)]
pub(crate) struct TargetsSection {
    /// What is allowed, and what is denied.
    pub(crate) filter: GroupFilter,
    /// How old a member must be.
    pub(crate) min_age: Option<Duration>,
}

/// Its parameters.
pub(super) fn parameters() -> Parameters {
    Parameters::default()
        .with(patterns("deny", "groups and targets that are never touched"))
        .with(patterns("allow", "the only groups and targets that are touched"))
        .with(Parameter::flag(
            "opt-in",
            "only what has agreed is touched: by the tag chaos:enabled, or by a pattern of `allow`",
        ))
        .with(
            Parameter::duration(
                "min-age",
                "a member that began less long ago is left alone, if that is known",
            )
            .default("none"),
        )
}

/// A list of patterns.
pub(super) fn patterns(name: &str, about: &str) -> Parameter {
    let about = format!("{about}: patterns with * and ? of ids and paths, or tag:KEY=PATTERN");
    Parameter::text(name, about).value_name("PATTERN").repeated()
}

pub(super) fn read(reader: &mut Reader<'_>, section: Section) -> Option<TargetsSection> {
    let path = section.path.clone();
    let given = reader.read(section, "targets", &parameters())?;
    let denied = patterns_of(reader, &path, "deny", &given)?;
    let allowed = patterns_of(reader, &path, "allow", &given)?;
    let filter = denied.into_iter().fold(GroupFilter::all(), GroupFilter::deny);
    let filter = allowed.into_iter().fold(filter, GroupFilter::allow);
    let min_age = reader.sound(&path, given.duration("min-age"))?;
    Some(TargetsSection { filter: filter.opt_in(given.is_given("opt-in")), min_age })
}

/// The patterns of a list. Each wrong one is told.
pub(super) fn patterns_of(
    reader: &mut Reader<'_>,
    path: &str,
    name: &str,
    given: &Arguments,
) -> Option<Vec<TargetPattern>> {
    let texts = reader.sound(path, given.texts(name))?;
    let read: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| reader.sound(&format!("{path}.{name}[{index}]"), text.parse()))
        .collect();
    read.into_iter().collect()
}
