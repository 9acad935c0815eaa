-- code: DUP_ID_IN_FILE
-- stage: duplicates
-- The same regime and rate on the same invoice more than once.
WITH repeated AS (
    SELECT concat_ws(' / ', invoice_number, regime, CAST(rate AS VARCHAR)) AS id, count(*) AS count
    FROM tax GROUP BY invoice_number, regime, rate HAVING count(*) > 1
)
SELECT 'tax' AS view, min(id) AS id, arg_min(count, id) AS count, count(*) AS duplicates
FROM repeated
HAVING count(*) > 0
