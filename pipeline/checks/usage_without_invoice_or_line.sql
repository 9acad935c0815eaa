-- code: ORPHAN_ROWS
-- stage: totals
-- Call details of an invoice, or of a line on that invoice, that is not in the file.
WITH used AS (SELECT invoice_number, line_ref, sum(rows) AS rows FROM usage_sum GROUP BY invoice_number, line_ref)
SELECT 'usage' AS view, sum(rows) AS count, min(invoice_number) AS invoice, arg_min(line_ref, invoice_number) AS line
FROM used
WHERE
    NOT EXISTS (FROM invoice WHERE number = used.invoice_number)
    OR NOT EXISTS (FROM line WHERE line.invoice_number = used.invoice_number AND ref = used.line_ref)
HAVING count(*) > 0
