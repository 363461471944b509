#!/usr/bin/env python3
"""Prints when calendars are closed according to PyPI's recurring-ical-events.

    company-calendars.py ZONE START END FILE...

START and END are seconds since 1970, ZONE that of whole days and of times without a zone. For each span of each file,
in order and apart, it prints a line: the file's index, the first second and the second after the last one, between
tabulators.
"""

import datetime
import sys
import zoneinfo

import icalendar
import recurring_ical_events

MARGIN = datetime.timedelta(days=3)


def instant(moment: datetime.date, home: zoneinfo.ZoneInfo) -> int:
    if not isinstance(moment, datetime.datetime):
        moment = datetime.datetime(moment.year, moment.month, moment.day)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=home)
    return int(moment.astimezone(datetime.timezone.utc).timestamp())


def spans(calendar: icalendar.Calendar, home: zoneinfo.ZoneInfo, start: int, end: int) -> list[tuple[int, int]]:
    begin, finish = (datetime.datetime.fromtimestamp(at, datetime.timezone.utc) for at in (start, end))
    query = recurring_ical_events.of(calendar, components=["VEVENT"])
    found = []
    for event in query.between(begin - MARGIN, finish + MARGIN):
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            continue
        found.append((instant(event["DTSTART"].dt, home), instant(event["DTEND"].dt, home)))
    merged: list[tuple[int, int]] = []
    for first, last in sorted(found):
        first, last = max(first, start), min(last, end)
        if first >= last:
            continue
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def main() -> None:
    zone, start, end, *files = sys.argv[1:]
    home = zoneinfo.ZoneInfo(zone)
    for index, file in enumerate(files):
        with open(file, "rb") as text:
            calendar = icalendar.Calendar.from_ical(text.read())
        for first, last in spans(calendar, home, int(start), int(end)):
            print(index, first, last, sep="\t")


if __name__ == "__main__":
    main()
