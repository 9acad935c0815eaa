-- code: SUM_HEADER
-- stage: totals
-- text: lines
-- The header's number of lines is the file's: a line counts on each of its invoices.
SELECT lines AS stated, (SELECT count(*) FROM line) AS found, stated - found AS gap
FROM header
WHERE gap <> 0
