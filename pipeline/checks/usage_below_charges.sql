-- code: CDR_BELOW_CHARGES
-- stage: totals
-- Per line and kind, the call details add up to less than what was billed for them.
SELECT invoice, line, kind, billed AS stated, used AS found, stated - found AS gap
FROM usage_against_charges, tolerance
WHERE gap > tolerance.usage
ORDER BY invoice, line, kind
