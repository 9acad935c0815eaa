-- code: DUP_CHARGE
-- stage: duplicates
-- The same concept, dates and amount twice on a line: perhaps billed twice. Amounts of zero cost nobody anything.
SELECT invoice_number AS invoice, line_ref AS line, coalesce(any_value(label), code) AS label, net, count(*) AS count
FROM charge
WHERE net <> 0
GROUP BY invoice_number, line_ref, category, code, label, starts, ends, net
HAVING count(*) > 1
ORDER BY min(rowid)
