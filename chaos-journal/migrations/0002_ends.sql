-- Until when somebody takes care of a fault, why its hold ended before its time, and why nothing was hit.
--
-- Faults of version 1 bear no recover_by: theirs is 5 minutes after their deadline.

ALTER TABLE fault ADD COLUMN recover_by TEXT;
ALTER TABLE fault ADD COLUMN cut_short TEXT;
ALTER TABLE fault ADD COLUMN no_effect TEXT;
