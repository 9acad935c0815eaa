-- code: SUM_HEADER
-- stage: totals
-- text: invoices
-- The header's number of invoices is the file's.
SELECT invoices AS stated, (SELECT count(*) FROM invoice) AS found, stated - found AS gap
FROM header
WHERE gap <> 0
