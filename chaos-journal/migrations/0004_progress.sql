-- How far an injection came, and whether a fault counts in the limits of the blast radius: null means that it does.

ALTER TABLE fault ADD COLUMN progress TEXT;
ALTER TABLE fault ADD COLUMN uncounted TEXT;
