-- code: SUM_HEADER
-- stage: totals
-- text: net
-- The header's net is the sum of the invoices' bases.
SELECT header.net AS stated, summed.amount AS found, stated - found AS gap
FROM header, (SELECT coalesce(sum(invoice.net), 0) AS amount FROM invoice) AS summed, tolerance
WHERE abs(gap) > tolerance.header
