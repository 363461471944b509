-- Which of those that bear the target's name it was, and whether it is over because that one is gone.

ALTER TABLE fault ADD COLUMN incarnation TEXT;
ALTER TABLE fault ADD COLUMN gone TEXT;
