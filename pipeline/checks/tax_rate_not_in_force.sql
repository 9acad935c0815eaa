-- code: TAX_RATE
-- stage: totals
-- A regime and rate that were not in force for the customer's postcode on the day of issue. A postcode that has rules
-- of its own follows those alone; without a postcode any rule will do.
WITH rated AS (
    SELECT
        tax.invoice_number AS invoice, tax.regime, tax.rate, invoice.customer_postcode AS postcode, invoice.issued,
        EXISTS (FROM tax_rule WHERE starts_with(invoice.customer_postcode, prefix)) AS special
    FROM tax JOIN invoice ON invoice.number = tax.invoice_number
    WHERE tax.regime NOT IN ('EXEMPT', 'NONE')
)
SELECT DISTINCT invoice, regime, rate, postcode
FROM rated
WHERE
    EXISTS (FROM tax_rule)
    AND NOT EXISTS (
        FROM tax_rule
        WHERE
            tax_rule.regime = rated.regime AND tax_rule.rate = rated.rate
            AND valid_from <= issued AND (valid_to IS NULL OR issued <= valid_to)
            AND (postcode IS NULL OR CASE WHEN special THEN starts_with(postcode, prefix) ELSE prefix IS NULL END)
    )
ORDER BY invoice, regime, rate
