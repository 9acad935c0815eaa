-- code: SUM_TAX
-- stage: totals
-- text: rate
-- The tax of a group is its base times its rate, rounded to 4 decimals. 0.01 as DECIMAL: a division gives DOUBLE.
SELECT
    tax.invoice_number AS invoice, tax.regime, tax.rate, tax.amount AS stated,
    CAST(round(tax.base * tax.rate * CAST(0.01 AS DECIMAL(3, 2)), 4) AS DECIMAL(18, 4)) AS found, stated - found AS gap
FROM tax, tolerance
WHERE abs(gap) > tolerance.tax
ORDER BY tax.rowid
