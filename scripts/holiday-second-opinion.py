#!/usr/bin/env python3
"""What PyPI's `workalendar` says of weekdays from 2010 to 2030, for twenty countries: country, date and name.

A second opinion on the tables of chaos-holidays.
"""

from workalendar.registry import registry

COUNTRIES = "AT BE BR CZ DE DK ES FI FR GB GR IE IT LU NL NO PL PT SE US".split()


def main() -> None:
    calendars = registry.get_calendars()
    for country in COUNTRIES:
        calendar = calendars[country]()
        for year in range(2010, 2031):
            for day, name in calendar.holidays(year):
                if day.year == year and day.weekday() < 5:
                    print(country, day, name, sep="\t")


if __name__ == "__main__":
    main()
