-- What came of each due, and what the monkeys over this journal share.
--
-- A day is a date of the schedule's zone. The stops are JSON. What a fault tells of its due counts more than the state
-- here, which stays if the fault is forgotten. Values in `kept` are text: the seed of the schedule, the instant until
-- which dues are known, and the longest cool-down with which a fault was armed, in nanoseconds.

CREATE TABLE due (
    position    INTEGER PRIMARY KEY AUTOINCREMENT,
    day         TEXT NOT NULL,
    group_id    TEXT NOT NULL,
    rehearsed   INTEGER NOT NULL,
    at          TEXT,
    state       TEXT NOT NULL,
    run         TEXT,
    stops       TEXT NOT NULL,
    other_stops INTEGER NOT NULL,
    changed_at  TEXT NOT NULL,
    UNIQUE (day, rehearsed, group_id)
) STRICT;

CREATE INDEX due_by_group ON due (group_id, day);
-- Small: what is still to come, and what nobody has settled yet.
CREATE INDEX due_open ON due (day) WHERE state = 'open';

CREATE TABLE kept (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

INSERT INTO due (day, group_id, rehearsed, state, stops, other_stops, changed_at)
    SELECT json_extract(due, '$.day'), group_id, 0, 'open', '[]', 0, min(armed_at)
    FROM fault WHERE due IS NOT NULL GROUP BY group_id, json_extract(due, '$.day');
