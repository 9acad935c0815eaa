-- code: ORPHAN_ROWS
-- stage: totals
-- Tax groups of an invoice that is not in the file.
SELECT 'tax' AS view, count(*) AS count, arg_min(invoice_number, tax.rowid) AS invoice, '-' AS line
FROM tax
WHERE NOT EXISTS (FROM invoice WHERE number = tax.invoice_number)
HAVING count(*) > 0
