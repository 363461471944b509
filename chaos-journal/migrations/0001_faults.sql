-- Every fault from before it exists until it is undone, and the halt in force.
--
-- Instants are RFC 3339 in UTC with nine digits of fraction, so that the order of the text is the order in time. Seeds are
-- decimal text, because they are unsigned and SQLite's integers are not. What has structure is JSON.

CREATE TABLE fault (
    position         INTEGER PRIMARY KEY AUTOINCREMENT,
    id               TEXT NOT NULL UNIQUE,
    session          TEXT NOT NULL,
    seed             TEXT NOT NULL,
    target           TEXT NOT NULL,
    group_id         TEXT NOT NULL,
    event            TEXT NOT NULL,
    recovery_kind    TEXT NOT NULL,
    recovery_payload TEXT NOT NULL,
    requested        TEXT NOT NULL,
    achieved         TEXT NOT NULL,
    state            TEXT NOT NULL,
    armed_at         TEXT NOT NULL,
    deadline         TEXT NOT NULL,
    injecting_at     TEXT,
    injected_at      TEXT,
    recovering_at    TEXT,
    ended_at         TEXT,
    milestones       TEXT NOT NULL,
    failure          TEXT,
    note             TEXT
) STRICT;

CREATE INDEX fault_by_time ON fault (armed_at);
CREATE INDEX fault_by_group ON fault (group_id, armed_at);
CREATE INDEX fault_by_target ON fault (target, armed_at);
CREATE INDEX fault_by_event ON fault (event, armed_at);
CREATE INDEX fault_by_state ON fault (state, armed_at);
CREATE INDEX fault_by_injection ON fault (target, event, injecting_at);
-- Small for ever: what is still to be undone. Every arming counts it.
CREATE INDEX fault_pending ON fault (target, group_id) WHERE state <> 'recovered';

CREATE TABLE halt (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    reason   TEXT NOT NULL,
    since    TEXT NOT NULL
) STRICT;
