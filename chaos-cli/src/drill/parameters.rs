//! Arguments of a command line, made from the parameters of a catalogue.

use std::{collections::BTreeMap, path::Path};

use chaos_core::catalogue::{Choice, Parameter, ParameterKind, Repetition};
use clap::{
    Arg, ArgAction, ArgMatches, Command,
    builder::{PossibleValue, PossibleValuesParser},
    parser::ValueSource,
};
use serde_json::{Map, Value};

/// A parameter, with the name of the event or provider that has it.
pub(super) type Owned = (String, Parameter);

/// Groups parameters by name, in the order of first appearance.
pub(super) fn by_name<'a>(
    all: impl IntoIterator<Item = (&'a str, &'a [Parameter])>,
) -> Vec<(String, Vec<Owned>)> {
    let mut known: Vec<(String, Vec<Owned>)> = Vec::new();
    for (owner, parameters) in all {
        for parameter in parameters {
            let of = (owner.to_owned(), parameter.clone());
            match known.iter_mut().find(|(name, _)| *name == parameter.name) {
                Some((_, others)) => others.push(of),
                None => known.push((parameter.name.clone(), vec![of])),
            }
        }
    }
    known
}

/// `command` with `argument`, unless it already has one of that name.
pub(super) fn with(command: Command, argument: Arg) -> Command {
    let is_taken = command.get_arguments().any(|other| other.get_long() == argument.get_long());
    if is_taken { command } else { command.arg(argument) }
}

/// The arguments whose ids begin with `prefix`, as data.
pub(super) fn given(matches: &ArgMatches, prefix: &str) -> Map<String, Value> {
    let given = matches.ids().filter_map(|id| {
        let name = id.as_str().strip_prefix(prefix)?;
        let is_given = matches.value_source(id.as_str()) == Some(ValueSource::CommandLine);
        is_given.then(|| (name.to_owned(), value_of(matches, id.as_str())))
    });
    given.collect()
}

/// `about`, with a capital letter.
pub(super) fn sentence(about: &str) -> String {
    let mut letters = about.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The given value, as data.
fn value_of(matches: &ArgMatches, id: &str) -> Value {
    if let Ok(Some(is_set)) = matches.try_get_one::<bool>(id) {
        return Value::Bool(*is_set);
    }
    let values: Vec<&String> = matches.get_many(id).into_iter().flatten().collect();
    match values[..] {
        [one] => Value::from(one.as_str()),
        _ => values.into_iter().map(|value| Value::from(value.as_str())).collect(),
    }
}

/// The argument for the parameter `name` of these owners.
pub(super) fn argument(prefix: &str, name: &str, of: &[Owned]) -> Arg {
    let mut helps: BTreeMap<usize, (String, Vec<&str>)> = BTreeMap::new();
    for (index, (event, parameter)) in of.iter().enumerate() {
        let help = parameter.help();
        match helps.values_mut().find(|(known, _)| *known == help) {
            Some((_, events)) => events.push(event),
            None => drop(helps.insert(index, (help, vec![event]))),
        }
    }
    let helps: Vec<String> =
        helps.into_values().map(|(help, events)| format!("{}: {help}", events.join(", "))).collect();
    let arg = Arg::new(format!("{prefix}{name}")).long(name.to_owned()).help(helps.join("; "));
    let parameters = || of.iter().map(|(_, parameter)| parameter);
    if parameters().all(|parameter| parameter.kind == ParameterKind::Flag) {
        return arg.action(ArgAction::SetTrue);
    }
    let most = |repetition| parameters().any(|parameter| parameter.repetition == repetition);
    let arg = match (most(Repetition::Commas), most(Repetition::Each)) {
        (false, false) => arg,
        (true, false) => arg.action(ArgAction::Append).value_delimiter(','),
        (_, true) => arg.action(ArgAction::Append),
    };
    let value_name = parameters().next().map_or_else(String::new, |parameter| parameter.value_name.clone());
    let arg = arg.value_name(value_name);
    let kinds: Vec<&ParameterKind> = parameters().map(|parameter| &parameter.kind).collect();
    match kinds[..] {
        [ParameterKind::Choice { of, .. }] => arg.value_parser(PossibleValuesParser::new(choices(of))),
        _ if kinds.iter().all(|kind| **kind == ParameterKind::Path) => arg.value_parser(absolute),
        _ => {
            let parameters: Vec<Parameter> = parameters().cloned().collect();
            arg.value_parser(move |text: &str| of_some_form(&parameters, text))
        }
    }
}

pub(super) fn choices(of: &[Choice]) -> Vec<PossibleValue> {
    let value = |choice: &Choice| {
        let value = PossibleValue::new(choice.name.clone());
        if choice.about.is_empty() { value } else { value.help(choice.about.clone()) }
    };
    of.iter().map(value).collect()
}

/// `text`, if at least one of the parameters accepts it.
fn of_some_form(parameters: &[Parameter], text: &str) -> Result<String, String> {
    let mut first = None;
    for parameter in parameters {
        match parameter.check_form(text) {
            Ok(()) => return Ok(text.to_owned()),
            Err(expected) => drop(first.get_or_insert(expected)),
        }
    }
    Err(format!("expected {}", first.unwrap_or_default()))
}

/// The same path from any working directory.
fn absolute(text: &str) -> Result<String, String> {
    let absolute = std::path::absolute(Path::new(text)).map_err(|error| error.to_string())?;
    absolute.into_os_string().into_string().map_err(|_| "expected a path whose name is text".to_owned())
}
