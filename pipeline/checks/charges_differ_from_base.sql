-- code: SUM_LINES
-- stage: totals
-- The charges inside the tax base add up to the invoice's base.
WITH charged AS (
    SELECT invoice_number, sum(net) AS net, count(*) AS rows
    FROM charge WHERE category <> 'OUT_OF_TAX' GROUP BY invoice_number
)
SELECT invoice.number AS invoice, invoice.net AS stated, coalesce(charged.net, 0) AS found, stated - found AS gap
FROM invoice LEFT JOIN charged ON charged.invoice_number = invoice.number, tolerance
WHERE abs(gap) > least(line_sum + line_sum_per_row * coalesce(charged.rows, 0), line_sum_cap)
ORDER BY invoice.rowid
