-- Each tax group of an invoice beside the charges of its regime and rate. `base_balances`: the invoice's charges add
-- up to its base, so that a gap of the group is the group's own. `rows` is the number of charges.
WITH charged AS (
    SELECT
        invoice_number, tax_regime AS regime, tax_rate AS rate, sum(net) AS net, count(*) AS rows,
        sum(CAST(round(net * tax_rate * CAST(0.01 AS DECIMAL(3, 2)), 4) AS DECIMAL(18, 4))) AS amount
    FROM charge WHERE tax_regime <> 'NONE' GROUP BY ALL
),
grouped AS (
    SELECT invoice_number, regime, rate, sum(base) AS base, sum(amount) AS amount
    FROM tax WHERE regime <> 'NONE' GROUP BY ALL
),
summed AS (SELECT invoice_number, sum(net) AS net, sum(rows) AS rows FROM charged GROUP BY ALL),
whole AS (
    SELECT
        number,
        bool_and(
            abs(invoice.net - coalesce(summed.net, 0))
            <= least(line_sum + line_sum_per_row * coalesce(summed.rows, 0), line_sum_cap)
        ) AS base_balances
    FROM invoice LEFT JOIN summed ON summed.invoice_number = invoice.number, tolerance
    GROUP BY number
)
SELECT
    invoice_number AS invoice, regime, rate,
    coalesce(grouped.base, 0) AS base, coalesce(grouped.amount, 0) AS amount,
    coalesce(charged.net, 0) AS charged, coalesce(charged.amount, 0) AS charged_tax,
    coalesce(charged.rows, 0) AS rows, coalesce(base_balances, false) AS base_balances
FROM grouped
FULL JOIN charged USING (invoice_number, regime, rate)
JOIN whole ON whole.number = invoice_number
