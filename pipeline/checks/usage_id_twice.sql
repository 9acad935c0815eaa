-- code: DUP_ID_IN_FILE
-- stage: duplicates
-- The same call detail id more than once.
WITH repeated AS (
    SELECT id AS id, count(*) AS count FROM usage GROUP BY id HAVING count(*) > 1
)
SELECT 'usage' AS view, min(id) AS id, arg_min(count, id) AS count, count(*) AS duplicates
FROM repeated
HAVING count(*) > 0
