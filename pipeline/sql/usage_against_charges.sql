-- Per line, invoice and kind: what the call details add up to (`used`) and what was billed for them (`billed`).
-- A line with a charge of kind USAGE (kind not told) is compared over all its usage. Kinds that the file never bills
-- are not compared; neither is anything where the file has no priced details.
WITH untold AS (
    SELECT DISTINCT invoice_number, line_ref FROM charge WHERE category = 'USAGE' AND line_ref IS NOT NULL
),
details AS (
    SELECT
        invoice_number, line_ref,
        CASE kind WHEN 'VOICE' THEN 'USAGE_VOICE' WHEN 'DATA' THEN 'USAGE_DATA' ELSE 'USAGE_SMS' END AS category,
        sum(net) AS net
    FROM usage_sum GROUP BY ALL
),
charged AS (
    SELECT invoice_number, line_ref, category, sum(net) AS net
    FROM charge
    WHERE category IN ('USAGE', 'USAGE_VOICE', 'USAGE_DATA', 'USAGE_SMS') AND line_ref IS NOT NULL
    GROUP BY ALL
),
used AS (
    SELECT
        invoice_number, line_ref, CASE WHEN untold.line_ref IS NULL THEN category ELSE 'USAGE' END AS kind,
        sum(net) AS net
    FROM details LEFT JOIN untold USING (invoice_number, line_ref) GROUP BY ALL
),
billed AS (
    SELECT
        invoice_number, line_ref, CASE WHEN untold.line_ref IS NULL THEN category ELSE 'USAGE' END AS kind,
        sum(net) AS net
    FROM charged LEFT JOIN untold USING (invoice_number, line_ref) GROUP BY ALL
)
SELECT
    invoice_number AS invoice, line_ref AS line, kind,
    coalesce(used.net, 0) AS used, coalesce(billed.net, 0) AS billed
FROM used FULL JOIN billed USING (invoice_number, line_ref, kind)
WHERE
    EXISTS (FROM usage_sum WHERE usage_sum.net IS NOT NULL)
    AND kind IN (SELECT billed.kind FROM billed)
    -- Rows of a line that is not there are said to be orphans, once.
    AND (invoice_number, line_ref) IN (SELECT (line.invoice_number, line.ref) FROM line)
