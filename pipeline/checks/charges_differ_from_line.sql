-- code: SUM_LINES
-- stage: totals
-- text: line
-- All charges of a line, out-of-tax ones included, add up to the line's total, where the operator gives one.
WITH charged AS (
    SELECT invoice_number, line_ref, sum(net) AS net, count(*) AS rows
    FROM charge WHERE line_ref IS NOT NULL GROUP BY invoice_number, line_ref
)
SELECT
    line.invoice_number AS invoice, line.ref AS line, line.net AS stated, coalesce(charged.net, 0) AS found,
    stated - found AS gap
FROM line LEFT JOIN charged ON charged.invoice_number = line.invoice_number AND charged.line_ref = line.ref, tolerance
WHERE abs(gap) > least(line_sum + line_sum_per_row * coalesce(charged.rows, 0), line_sum_cap)
ORDER BY line.rowid
