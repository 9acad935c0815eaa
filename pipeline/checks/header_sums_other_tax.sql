-- code: SUM_HEADER
-- stage: totals
-- text: tax
-- The header's tax is the sum of the invoices' taxes.
SELECT header.tax AS stated, summed.amount AS found, stated - found AS gap
FROM header, (SELECT coalesce(sum(invoice.tax), 0) AS amount FROM invoice) AS summed, tolerance
WHERE abs(gap) > tolerance.header
