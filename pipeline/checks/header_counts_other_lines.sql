-- code: SUM_HEADER
-- stage: totals
-- text: lines
-- The header's number of lines is the file's: a line counts on each of its invoices.
SELECT lines AS stated, counted.rows AS found, stated - found AS gap
FROM header, (SELECT count(*) AS rows FROM line) AS counted
WHERE gap <> 0
