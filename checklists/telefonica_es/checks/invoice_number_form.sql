-- code: INVOICE_NUMBER_FORM
-- severity: warn
-- The two forms seen on public invoices: TA and 10 characters, or 28-B9M0-012276 with or without hyphens.
SELECT number AS invoice
FROM invoice
WHERE NOT regexp_full_match(number, 'TA[0-9A-Z]{10}|[0-9]{2}-?[A-Z0-9]{4}-?[0-9]{6}')
ORDER BY rowid
