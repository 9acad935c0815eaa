-- code: SUM_TAX
-- stage: totals
-- The taxes of an invoice's tax groups add up to its tax.
WITH grouped AS (SELECT invoice_number, sum(amount) AS amount FROM tax GROUP BY invoice_number)
SELECT invoice.number AS invoice, invoice.tax AS stated, coalesce(grouped.amount, 0) AS found, stated - found AS gap
FROM invoice LEFT JOIN grouped ON grouped.invoice_number = invoice.number, tolerance
WHERE abs(gap) > tolerance.tax
ORDER BY invoice.rowid
