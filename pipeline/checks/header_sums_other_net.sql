-- code: SUM_HEADER
-- stage: totals
-- text: net
-- The header's net is the sum of the invoices' bases.
SELECT header.net AS stated, (SELECT coalesce(sum(net), 0) FROM invoice) AS found, stated - found AS gap
FROM header, tolerance
WHERE abs(gap) > tolerance.header
