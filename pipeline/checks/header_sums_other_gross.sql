-- code: SUM_HEADER
-- stage: totals
-- text: gross
-- The header's gross is the sum of the invoices' totals.
SELECT header.gross AS stated, summed.amount AS found, stated - found AS gap
FROM header, (SELECT coalesce(sum(invoice.gross), 0) AS amount FROM invoice) AS summed, tolerance
WHERE abs(gap) > tolerance.header
