-- code: DUP_INVOICE_IN_FILE
-- stage: duplicates
-- The same invoice more than once; its rows refer to it by its number alone. Compared by letters and digits.
SELECT any_value(number) AS invoice, count(*) AS count
FROM invoice
GROUP BY regexp_replace(upper(number), '[^0-9A-Z]', '', 'g')
HAVING count(*) > 1
ORDER BY min(rowid)
