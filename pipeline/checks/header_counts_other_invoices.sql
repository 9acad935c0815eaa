-- code: SUM_HEADER
-- stage: totals
-- text: invoices
-- The header's number of invoices is the file's.
SELECT invoices AS stated, counted.rows AS found, stated - found AS gap
FROM header, (SELECT count(*) AS rows FROM invoice) AS counted
WHERE gap <> 0
