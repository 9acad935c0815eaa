-- code: ORPHAN_ROWS
-- stage: totals
-- Lines of an invoice that is not in the file.
SELECT 'line' AS view, count(*) AS count, arg_min(invoice_number, line.rowid) AS invoice, arg_min(ref, line.rowid) AS line
FROM line
WHERE NOT EXISTS (FROM invoice WHERE number = line.invoice_number)
HAVING count(*) > 0
