//! The tables beside PyPI's packages.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    path::Path,
    process::Command,
};

use chaos_holidays::{codes, holidays};
use jiff::civil::{Date, Weekday};

/// An interpreter that has the packages.
const PYTHON: &str = "CHAOS_HOLIDAYS_PYTHON";

/// What a script prints, in lines of fields between tabulators. None, and told, if there is no interpreter with the
/// packages; in CI there must be one.
pub(crate) fn told_by(script: &str, arguments: &[&str]) -> Option<Vec<Vec<String>>> {
    let Some(python) = env::var_os(PYTHON) else {
        assert!(env::var_os("CI").is_none(), "{PYTHON} is not set");
        eprintln!("skipped: {PYTHON} is not set");
        return None;
    };
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts");
    let printed =
        Command::new(python).arg("-BWignore").arg(scripts.join(script)).args(arguments).output().unwrap();
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let lines = String::from_utf8(printed.stdout).unwrap();
    Some(lines.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect())
}

#[test]
fn the_tables_are_those_of_the_package_on_every_day() {
    let Some(lines) = told_by("holiday-tables.py", &["print"]) else { return };
    let package: BTreeSet<[String; 4]> = lines.into_iter().map(|fields| fields.try_into().unwrap()).collect();
    let mut ours = BTreeSet::new();
    for code in codes() {
        let days = holidays(&code).unwrap().into_iter();
        ours.extend(days.map(|day| [code.clone(), day.category.to_owned(), day.date.to_string(), day.name]));
    }
    assert!(ours.len() > 500_000, "{}", ours.len());
    assert_eq!(
        ours.difference(&package).take(5).collect::<Vec<_>>(),
        Vec::<&[String; 4]>::new(),
        "the tables have more"
    );
    assert_eq!(
        package.difference(&ours).take(5).collect::<Vec<_>>(),
        Vec::<&[String; 4]>::new(),
        "the tables lack some"
    );
}

/// Names of days on which the two packages differ, with the reason. Those of ours are in the tables alone, those of
/// theirs in `workalendar` (17.0.0 of 2023) alone.
const DIFFERENCES: [(&str, &str, &str); 28] = [
    ("BR", "Good Friday", "it counts it as a day of the states"),
    ("BR", "National Day of Zumbi and Black Awareness", "national since 2024"),
    ("DK", "Christmas Eve", "no public holiday: an optional one, from 2024 on; take `DK/optional`"),
    ("DK", "Store Bededag", "abolished from 2024 on"),
    ("GB", "Coronation of Charles III", "once, on 2023-05-08"),
    ("GB", "Easter Monday", "not in Scotland: take `GB-ENG`"),
    ("GB", "Late Summer Bank Holiday", "not in Scotland: take `GB-ENG`"),
    ("GR", "Labor Day", "moved in years of Easter"),
    ("GR", "Labor Day (observed)", "moved in years of Easter"),
    ("GR", "Labour Day", "moved in years of Easter"),
    ("IE", "Christmas Shift", "a day in lieu, which is no public holiday"),
    ("IE", "Day of Remembrance and Recognition", "once, on 2022-03-18"),
    ("IE", "National Day of Mourning", "once"),
    ("IE", "New Year shift", "a day in lieu, which is no public holiday"),
    ("IE", "Saint Brigid's Day", "since 2023"),
    ("IE", "Saint Patrick substitute", "a day in lieu, which is no public holiday"),
    ("IE", "St. Stephen's Day Shift", "a day in lieu, which is no public holiday"),
    ("IT", "Anniversary of the Unification of Italy", "once, in 2011"),
    ("IT", "Saint Francis of Assisi, Patron Saint of Italy", "from 2026 on"),
    ("NL", "Liberation Day", "a day off every fifth year; take `NL/optional`"),
    ("PL", "Christmas Eve", "since 2025"),
    ("PL", "National Independence Day - 100th anniversary", "once, in 2018"),
    ("PL", "Trzech Kroli", "from 2011 on; it has 2010"),
    ("SE", "Christmas Eve", "no public holiday by law; take `SE/de_facto`"),
    ("SE", "Midsummer's Eve", "no public holiday by law; take `SE/de_facto`"),
    ("SE", "New Year's Eve", "no public holiday by law; take `SE/de_facto`"),
    ("US", "Juneteenth National Independence Day", "since 2021"),
    ("US", "Juneteenth National Independence Day (observed)", "since 2021"),
];

#[test]
fn a_second_opinion_agrees_or_the_difference_has_its_reason() {
    let Some(lines) = told_by("holiday-second-opinion.py", &[]) else { return };
    let mut seen = BTreeSet::new();
    let mut countries: Vec<&str> = lines.iter().map(|fields| fields[0].as_str()).collect();
    countries.dedup();
    assert_eq!(countries.len(), 20);
    for country in countries {
        let theirs: BTreeMap<Date, &str> = lines
            .iter()
            .filter(|fields| fields[0] == country)
            .map(|fields| (fields[1].parse().unwrap(), fields[2].as_str()))
            .collect();
        let ours: BTreeMap<Date, String> = holidays(&format!("{country}/public"))
            .unwrap()
            .into_iter()
            .filter(|day| (2010..=2030).contains(&day.date.year()) && !is_weekend(day.date))
            .map(|day| (day.date, day.name))
            .collect();
        let only_ours = ours.iter().filter(|(date, _)| !theirs.contains_key(date));
        seen.extend(only_ours.map(|(_, name)| (country.to_owned(), name.clone())));
        let only_theirs = theirs.iter().filter(|(date, _)| !ours.contains_key(date));
        seen.extend(only_theirs.map(|(_, name)| (country.to_owned(), (*name).to_owned())));
    }
    let known: BTreeSet<(String, String)> =
        DIFFERENCES.into_iter().map(|(country, name, _)| (country.to_owned(), name.to_owned())).collect();
    assert_eq!(seen, known);
}

fn is_weekend(date: Date) -> bool {
    matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}
