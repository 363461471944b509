#!/usr/bin/env python3
"""Makes the tables of chaos-holidays from PyPI's `holidays` (MIT), of which it needs the version below.

    scripts/holiday-tables.py make [FOLDER]    # a file for each country; in chaos-holidays/tables, if not given
    scripts/holiday-tables.py print            # what the package says: calendar, category, date and name, sorted

A file has a line of the categories, one of the subdivisions, and one of the places whose feasts the package knows only
until 2035, and then a line for each name in each category:

    public<TAB>*<TAB>Christmas Day<TAB>2000-2050:1225
    public<TAB>BY,SL<TAB>Assumption Day<TAB>2000-2050:0815
    public<TAB>=<TAB>Eid al-Fitr (estimated)<TAB>2026:0320,0321

The second field says where: `=` is the country as a whole, the rest are its subdivisions, `*` is all of them, and
`*!BY` is all but those. The last field has the dates: years, and their months and days.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import holidays

VERSION = "0.109"
FIRST, LAST = 2000, 2050
# Until then, the package knows the feasts of the Hindu calendar.
KNOWN = 2035
TABLES = Path(__file__).parent.parent / "chaos-holidays/tables"
LIST = TABLES.parent / "src/tables.rs"
HEAD = """//! The table of each country. Made by `scripts/holiday-tables.py`.

pub(crate) static TABLES: &[(&str, &str)] = &[
"""


def calendars() -> Iterator[tuple[str, list[str]]]:
    yield from sorted(holidays.list_supported_countries(include_aliases=False).items())


def categories(country: str) -> list[str]:
    # `workday` lists weekends that are worked, which are no holidays.
    return sorted(set(holidays.country_holidays(country).supported_categories) - {"workday"})


def days(country: str, subdivision: str | None, category: str) -> Iterator[tuple[date, str]]:
    """In English where there is a translation, each name by itself."""
    known = holidays.country_holidays(country)
    language = "en_US" if "en_US" in known.supported_languages else None
    found = holidays.country_holidays(
        country, subdiv=subdivision, years=range(FIRST, LAST + 1), categories=(category,), language=language
    )
    for day in found:
        if FIRST <= day.year <= LAST:
            for name in found.get_list(day):
                yield day, " ".join(name.split())


def where(of: frozenset[str], every: list[str]) -> str:
    rest = [one for one in every if one not in of]
    if not rest:
        return "*"
    listed = [one for one in every if one in of]
    return "*!" + ",".join(rest) if len(rest) < len(listed) else ",".join(listed)


def years(dates: list[date]) -> str:
    """Years in a row with the same days are one."""
    of_year: dict[int, list[str]] = defaultdict(list)
    for day in sorted(dates):
        of_year[day.year].append(f"{day:%m%d}")
    runs: list[tuple[int, int, list[str]]] = []
    for year, of in sorted(of_year.items()):
        if runs and runs[-1][1] == year - 1 and runs[-1][2] == of:
            runs[-1] = (runs[-1][0], year, of)
        else:
            runs.append((year, year, of))
    text = [f"{first}-{last}" if last > first else str(first) for first, last, _ in runs]
    return " ".join(f"{span}:{','.join(of)}" for span, (_, _, of) in zip(text, runs))


def is_cut_off(place: str, found: dict[tuple[str, str, date], set[str]]) -> bool:
    """Whether a public holiday of the place comes in each of ten years, and then never again."""
    of_name: dict[str, set[int]] = defaultdict(set)
    for (category, name, day), places in found.items():
        if category == "public" and place in places:
            of_name[name.removesuffix(" (estimated)")].add(day.year)
    ten_years = set(range(KNOWN - 9, KNOWN + 1))
    return any(of >= ten_years and max(of) == KNOWN for of in of_name.values())


def table(country: str, subdivisions: list[str]) -> str:
    every = ["=", *sorted(subdivisions)]
    found: dict[tuple[str, str, date], set[str]] = defaultdict(set)
    for category in categories(country):
        for place in every:
            for day, name in days(country, None if place == "=" else place, category):
                found[category, name, day].add(place)
    lines: dict[tuple[str, str, str], list[date]] = defaultdict(list)
    for (category, name, day), places in found.items():
        # In English wherever days are estimated.
        assert "\t" not in name and ("estimated" not in name or name.endswith("estimated)")), name
        lines[category, where(frozenset(places), every), name].append(day)
    rows = [
        f"categories\t{','.join(categories(country))}",
        f"subdivisions\t{','.join(sorted(subdivisions))}",
        f"until {KNOWN}\t{','.join(place for place in every if is_cut_off(place, found))}",
    ]
    for (category, places, name), dates in sorted(lines.items()):
        rows.append(f"{category}\t{places}\t{name}\t{years(dates)}")
    return "\n".join(rows) + "\n"


def make(folder: Path) -> None:
    countries = [f'    ("{country}", include_str!("../tables/{country}.txt")),\n' for country, _ in calendars()]
    if folder == TABLES:
        LIST.write_text(HEAD + "".join(countries) + "];\n", encoding="utf-8")
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.txt"):
        old.unlink()
    for country, subdivisions in calendars():
        (folder / f"{country}.txt").write_text(table(country, subdivisions), encoding="utf-8")


def tell() -> None:
    for country, subdivisions in calendars():
        for place in [None, *sorted(subdivisions)]:
            calendar = f"{country}-{place}" if place else country
            for category in categories(country):
                for day, name in sorted(set(days(country, place, category))):
                    print(calendar, category, day, name, sep="\t")


def main() -> None:
    assert holidays.__version__ == VERSION, f"holidays is {holidays.__version__}, and the tables are of {VERSION}"
    match sys.argv[1:]:
        case ["make"]:
            make(TABLES)
        case ["make", folder]:
            make(Path(folder))
        case ["print"]:
            tell()
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
