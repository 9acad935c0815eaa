-- ROUNDING rows larger than allowed (domain facts 2.2): net as SUM_LINES, tax by the number of charges of the group,
-- the printed total as SUM_TOTAL. A gap written off as rounding would hide a missing row.
WITH counted AS (
    SELECT invoice_number, charge.tax_regime AS regime, charge.tax_rate AS rate, count(*) AS rows
    FROM charge GROUP BY ALL
),
allowed AS (
    SELECT
        output_row.invoice_number AS invoice, tax_regime AS regime, tax_rate AS rate, amount_net, amount_tax, amount_gross,
        least(line_sum + line_sum_per_row * coalesce(counted.rows, 0), line_sum_cap) AS net_limit,
        tolerance.tax + tax_per_row * coalesce(counted.rows, 0) AS tax_limit,
        tolerance.total AS total_limit
    FROM output_row
    LEFT JOIN counted
        ON counted.invoice_number = output_row.invoice_number
        AND counted.regime = output_row.tax_regime AND counted.rate = output_row.tax_rate,
    tolerance
    WHERE charge_category = 'ROUNDING'
),
judged AS (
    SELECT 'SUM_LINES' AS code, invoice, regime, rate, amount_net AS gap, net_limit AS gap_limit FROM allowed
    UNION ALL
    SELECT 'SUM_TAX', invoice, regime, rate, amount_tax, tax_limit FROM allowed
    UNION ALL
    SELECT 'SUM_TOTAL', invoice, regime, rate, amount_gross - amount_net - amount_tax, total_limit FROM allowed
)
SELECT invoice, regime, rate, gap
FROM judged
WHERE code = $code AND abs(gap) > gap_limit
ORDER BY invoice, regime, rate
