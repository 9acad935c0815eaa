-- Lines, accounts and cost centres that the root's inventory does not have, in the order in which they are billed.
-- `net` is all that was billed on them, out-of-tax amounts included; `related` is what a suggestion can go by.
WITH placed AS (SELECT number, rowid AS place FROM invoice),
charged AS (SELECT invoice_number, line_ref, sum(net) AS net FROM charge GROUP BY ALL),
candidate AS (
    SELECT
        'line' AS kind, line.ref, line.invoice_number, line.rowid AS place, coalesce(charged.net, 0) AS net,
        line.user_name AS label, line.cost_center AS related
    FROM line
    LEFT JOIN charged ON charged.invoice_number = line.invoice_number AND charged.line_ref = line.ref
    UNION ALL
    SELECT
        'account', account, number, invoice.rowid, net + coalesce(out_of_tax, 0), customer_name, customer_name
    FROM invoice
    UNION ALL
    SELECT
        'cost_center', line.cost_center, line.invoice_number, line.rowid, coalesce(charged.net, 0), NULL, NULL
    FROM line
    LEFT JOIN charged ON charged.invoice_number = line.invoice_number AND charged.line_ref = line.ref
    WHERE line.cost_center IS NOT NULL
)
SELECT
    kind, ref,
    arg_min(invoice_number, (placed.place, candidate.place)) AS first_seen_invoice,
    CAST(sum(net) AS DECIMAL(18, 4)) AS net,
    arg_min(label, (placed.place, candidate.place)) AS label,
    arg_min(related, (placed.place, candidate.place)) AS related
FROM candidate
LEFT JOIN placed ON placed.number = candidate.invoice_number
WHERE NOT EXISTS (FROM known_ref WHERE known_ref.kind = candidate.kind AND known_ref.ref = candidate.ref)
GROUP BY kind, ref
ORDER BY
    CASE kind WHEN 'line' THEN 0 WHEN 'account' THEN 1 ELSE 2 END,
    min((placed.place, candidate.place)), ref
