-- code: SUM_TOTAL
-- stage: totals
-- The total to pay is base + tax + what is outside the tax base; parts have 4 decimals, the total 2.
SELECT
    number AS invoice, gross AS stated, net + invoice.tax + coalesce(out_of_tax, 0) AS found, stated - found AS gap
FROM invoice, tolerance
WHERE abs(gap) > tolerance.total
ORDER BY invoice.rowid
