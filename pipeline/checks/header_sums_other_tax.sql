-- code: SUM_HEADER
-- stage: totals
-- text: tax
-- The header's tax is the sum of the invoices' taxes.
SELECT header.tax AS stated, (SELECT coalesce(sum(tax), 0) FROM invoice) AS found, stated - found AS gap
FROM header, tolerance
WHERE abs(gap) > tolerance.header
