-- code: DUP_ID_IN_FILE
-- stage: duplicates
-- The same call detail id more than once. Ids that rise from row to row need no second look.
WITH repeated AS (
    SELECT id AS id, count(*) AS count
    FROM usage
    WHERE NOT (SELECT is_strict FROM usage_order)
    GROUP BY id
    HAVING count(*) > 1
)
SELECT 'usage' AS view, min(id) AS id, arg_min(count, id) AS count, count(*) AS duplicates
FROM repeated
HAVING count(*) > 0
