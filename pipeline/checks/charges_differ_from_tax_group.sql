-- code: SUM_LINES
-- stage: totals
-- text: group
-- The charges of a regime and rate add up to the base of that tax group. Where the invoice as a whole is out of
-- balance, that is said once, by its base.
SELECT invoice, regime, rate, base AS stated, charged AS found, stated - found AS gap
FROM tax_group, tolerance
WHERE base_balances AND abs(gap) > least(line_sum + line_sum_per_row * rows, line_sum_cap)
ORDER BY invoice, regime, rate
