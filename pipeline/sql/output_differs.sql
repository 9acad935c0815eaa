-- Invoices whose rows in the Output do not add up to them exactly: base, out of base, tax or total.
WITH written AS (
    SELECT
        invoice_number,
        coalesce(sum(amount_net) FILTER (tax_regime <> 'NONE'), 0) AS net,
        coalesce(sum(amount_net) FILTER (tax_regime = 'NONE'), 0) AS out_of_tax,
        sum(amount_tax) AS tax,
        sum(amount_gross) AS gross
    FROM output_row GROUP BY invoice_number
),
compared AS (
    SELECT
        invoice.number AS invoice,
        unnest([
            {'stated': CAST(invoice.net AS DECIMAL(38, 4)), 'found': coalesce(written.net, 0)},
            {'stated': CAST(coalesce(invoice.out_of_tax, 0) AS DECIMAL(38, 4)), 'found': coalesce(written.out_of_tax, 0)},
            {'stated': CAST(invoice.tax AS DECIMAL(38, 4)), 'found': coalesce(written.tax, 0)},
            {'stated': CAST(invoice.gross AS DECIMAL(38, 4)), 'found': coalesce(written.gross, 0)}
        ]) AS amount
    FROM invoice LEFT JOIN written ON written.invoice_number = invoice.number
)
SELECT invoice, amount.stated AS stated, amount.found AS found, stated - found AS gap
FROM compared WHERE gap <> 0 ORDER BY invoice
