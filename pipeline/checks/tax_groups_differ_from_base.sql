-- code: SUM_TAX
-- stage: totals
-- text: base
-- The bases of an invoice's tax groups add up to its base.
WITH grouped AS (SELECT invoice_number, sum(base) AS base FROM tax WHERE regime <> 'NONE' GROUP BY invoice_number)
SELECT invoice.number AS invoice, invoice.net AS stated, coalesce(grouped.base, 0) AS found, stated - found AS gap
FROM invoice LEFT JOIN grouped ON grouped.invoice_number = invoice.number, tolerance
WHERE abs(gap) > tolerance.tax
ORDER BY invoice.rowid
