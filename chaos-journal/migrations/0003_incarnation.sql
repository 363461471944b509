-- Which of those that bear the target's name it was.

ALTER TABLE fault ADD COLUMN incarnation TEXT;
