-- code: SUM_HEADER
-- stage: totals
-- text: gross
-- The header's gross is the sum of the invoices' totals.
SELECT header.gross AS stated, (SELECT coalesce(sum(gross), 0) FROM invoice) AS found, stated - found AS gap
FROM header, tolerance
WHERE abs(gap) > tolerance.header
