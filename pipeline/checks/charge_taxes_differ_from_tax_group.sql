-- code: SUM_TAX
-- stage: totals
-- text: group
-- The taxes of a group's charges, each rounded to 4 decimals, add up to the group's tax. A gap that the bases or the
-- rate explain is said there.
SELECT invoice, regime, rate, amount AS stated, charged_tax AS found, stated - found AS gap
FROM tax_group, tolerance
WHERE
    base_balances
    AND abs(base - charged) <= least(line_sum + line_sum_per_row * rows, line_sum_cap)
    AND abs(amount - round(base * rate * CAST(0.01 AS DECIMAL(3, 2)), 4)) <= tolerance.tax
    AND abs(gap) > tolerance.tax + tax_per_row * rows
ORDER BY invoice, regime, rate
