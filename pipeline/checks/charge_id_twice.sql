-- code: DUP_ID_IN_FILE
-- stage: duplicates
-- The same charge id more than once.
WITH repeated AS (
    SELECT id AS id, count(*) AS count FROM charge GROUP BY id HAVING count(*) > 1
)
SELECT 'charge' AS view, min(id) AS id, arg_min(count, id) AS count, count(*) AS duplicates
FROM repeated
HAVING count(*) > 0
