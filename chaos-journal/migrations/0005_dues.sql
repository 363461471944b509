-- The due that a fault carries out: a day, a run, and the last fault in the group that the run knew of.

ALTER TABLE fault ADD COLUMN due TEXT;
CREATE INDEX fault_by_due ON fault (group_id, json_extract(due, '$.day')) WHERE due IS NOT NULL;
