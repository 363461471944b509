-- A journal that version 0.1.0 has written, as text. It is never changed: such files exist.

PRAGMA journal_mode = WAL;
PRAGMA application_id = 1128811084;
PRAGMA user_version = 1;

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

INSERT INTO fault VALUES (
    1, '00000000000000a1', '000000000000beef', '18446744073709551615', 'local:web/a', 'local:web', 'stop',
    'local/continue/1', '{"pid":7}', '{"seconds":60.0}', '{"seconds":59.5}', 'recovered',
    '2026-03-02T09:00:00.123456789Z', '2026-03-02T09:01:00.123456789Z', '2026-03-02T09:00:00.200000000Z',
    '2026-03-02T09:00:00.300000000Z', '2026-03-02T09:01:00.200000000Z', '2026-03-02T09:01:00.300000000Z',
    '[{"milestone":"healthy","at":"2026-03-02T09:01:00.250Z"}]', NULL, 'gone for good'
);

INSERT INTO fault VALUES (
    2, '00000000000000a2', '000000000000beef', '0', 'local:web/b', 'local:web', 'stop',
    'local/continue/1', '{"pid":8}', '{}', '{}', 'active',
    '2026-03-02T09:00:01.000000000Z', '9999-12-30T22:00:00.999999999Z', '2026-03-02T09:00:01.200000000Z',
    '2026-03-02T09:00:01.300000000Z', NULL, NULL, '[]', '{"kind":"timeout","message":"slow"}', NULL
);
