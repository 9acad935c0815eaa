-- code: DUP_ID_IN_FILE
-- stage: duplicates
-- The same line on the same invoice more than once.
WITH repeated AS (
    SELECT invoice_number || ' / ' || ref AS id, count(*) AS count
    FROM line GROUP BY invoice_number, ref HAVING count(*) > 1
)
SELECT 'line' AS view, min(id) AS id, arg_min(count, id) AS count, count(*) AS duplicates
FROM repeated
HAVING count(*) > 0
