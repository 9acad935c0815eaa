-- code: CDR_ABOVE_CHARGES
-- stage: totals
-- Per line and kind, the call details add up to more than what was billed for them.
SELECT invoice, line, kind, billed AS stated, used AS found, found - stated AS gap
FROM usage_against_charges, tolerance
WHERE gap > tolerance.usage
ORDER BY invoice, line, kind
