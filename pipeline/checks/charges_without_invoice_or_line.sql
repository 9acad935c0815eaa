-- code: ORPHAN_ROWS
-- stage: totals
-- Charges of an invoice, or of a line on that invoice, that is not in the file.
SELECT 'charge' AS view, count(*) AS count, arg_min(invoice_number, charge.rowid) AS invoice, arg_min(coalesce(line_ref, '-'), charge.rowid) AS line
FROM charge
WHERE
    NOT EXISTS (FROM invoice WHERE number = charge.invoice_number)
    OR (
        line_ref IS NOT NULL
        AND NOT EXISTS (FROM line WHERE line.invoice_number = charge.invoice_number AND ref = line_ref)
    )
HAVING count(*) > 0
