-- The rows of OUTPUT v1: one a charge, then the ROUNDING rows that make the sums exact (domain facts 2.2).
-- `run` has one row: who, which file, which mapping. `known_ref` is the root's inventory.
WITH invoiced AS (
    SELECT
        *,
        coalesce(out_of_tax, 0) AS out_of_base,
        regexp_replace(upper(number), '[^0-9A-Z]', '', 'g') AS compared_number
    FROM invoice
),
charged AS (
    SELECT
        charge.*,
        CAST(round(net * tax_rate * CAST(0.01 AS DECIMAL(3, 2)), 4) AS DECIMAL(18, 4)) AS amount_tax
    FROM charge
),
-- Per tax group: what its charges leave of its base and its tax.
of_groups AS (
    SELECT
        invoice AS invoice_number, regime, rate, 'group' AS reason,
        base - charged AS net, amount - charged_tax AS tax, CAST(0 AS DECIMAL(18, 4)) AS total_gap
    FROM tax_group
),
-- Outside the tax base: what its charges leave of the invoice's amount.
of_out_of_tax AS (
    SELECT
        invoiced.number, 'NONE', CAST(0 AS DECIMAL(5, 2)), 'out_of_tax',
        invoiced.out_of_base - coalesce(sum(charged.net), 0), CAST(0 AS DECIMAL(18, 4)), CAST(0 AS DECIMAL(18, 4))
    FROM invoiced
    LEFT JOIN charged ON charged.invoice_number = invoiced.number AND charged.tax_regime = 'NONE'
    GROUP BY invoiced.number, invoiced.out_of_base
),
-- What the groups together leave of the invoice's base and tax (within SUM_TAX), on its largest group.
of_invoices AS (
    SELECT
        invoiced.number, arg_max(regime, abs(base)), arg_max(rate, abs(base)), 'invoice',
        invoiced.net - sum(base), invoiced.tax - sum(amount), CAST(0 AS DECIMAL(18, 4))
    FROM invoiced JOIN tax_group ON tax_group.invoice = invoiced.number
    GROUP BY invoiced.number, invoiced.net, invoiced.tax
),
-- The parts have 4 decimals, the printed total 2: the only row whose gross is not net + tax.
of_totals AS (
    SELECT
        number, 'NONE', CAST(0 AS DECIMAL(5, 2)), 'total', CAST(0 AS DECIMAL(18, 4)), CAST(0 AS DECIMAL(18, 4)),
        gross - (net + tax + out_of_base)
    FROM invoiced
),
rounding AS (
    SELECT * FROM of_groups WHERE net <> 0 OR tax <> 0
    UNION ALL SELECT * FROM of_out_of_tax AS o(invoice_number, regime, rate, reason, net, tax, total_gap) WHERE net <> 0
    UNION ALL
    SELECT * FROM of_invoices AS i(invoice_number, regime, rate, reason, net, tax, total_gap) WHERE net <> 0 OR tax <> 0
    UNION ALL
    SELECT * FROM of_totals AS t(invoice_number, regime, rate, reason, net, tax, total_gap) WHERE total_gap <> 0
),
entry AS (
    SELECT
        invoice_number, line_ref, category, code, coalesce(label, code, category) AS label, starts, ends, quantity,
        unit, net, tax_regime, tax_rate, amount_tax, net + amount_tax AS amount_gross,
        concat_ws('|', 'charge', id) AS record_key,
        CASE WHEN contains(id, '#') THEN id ELSE 'charge#' || id END AS source_row,
        0 AS place, id AS sorted_id
    FROM charged
    UNION ALL
    SELECT
        invoice_number, NULL, 'ROUNDING', NULL, 'ROUNDING', NULL, NULL, NULL, NULL,
        net, regime, rate, tax, net + tax + total_gap,
        concat_ws('|', 'ROUNDING', reason, regime, CAST(rate AS VARCHAR)),
        NULL, 1, concat_ws('|', reason, regime, CAST(rate AS VARCHAR))
    FROM rounding
)
SELECT
    '1.0' AS format_version,
    substr(sha256(concat_ws('|', invoiced.supplier_tax_id, compared_number, record_key)), 1, 32) AS record_id,
    run.root,
    run.partner,
    run.operator,
    run.country,
    normalised_tax_id(invoiced.customer_tax_id) AS customer_tax_id,
    invoiced.customer_name,
    normalised_tax_id(invoiced.supplier_tax_id) AS supplier_tax_id,
    invoiced.account AS billing_account,
    invoiced.subaccount AS billing_subaccount,
    invoiced.number AS invoice_number,
    invoiced.type AS invoice_type,
    invoiced.original_number AS original_invoice_number,
    invoiced.issued AS invoice_date,
    invoiced.due AS due_date,
    coalesce(run.period, strftime(invoiced.issued, '%Y%m')) AS period,
    invoiced.period_start,
    invoiced.period_end,
    entry.line_ref,
    CASE WHEN entry.line_ref IS NULL THEN 'ACCOUNT' ELSE line.kind END AS line_type,
    line.user_name,
    line.cost_center,
    line.cost_subcenter,
    -- Without an inventory nothing can be called new or known: the cell is empty.
    CASE
        WHEN NOT run.has_inventory THEN NULL
        WHEN known_account.ref IS NULL OR (entry.line_ref IS NOT NULL AND known_line.ref IS NULL) THEN 'Y'
        ELSE 'N'
    END AS is_new_ref,
    entry.category AS charge_category,
    entry.code AS charge_code,
    entry.label AS charge_label,
    entry.starts AS charge_start,
    entry.ends AS charge_end,
    entry.quantity,
    entry.unit,
    CAST(entry.net AS DECIMAL(18, 4)) AS amount_net,
    entry.tax_regime,
    CAST(entry.tax_rate AS DECIMAL(5, 2)) AS tax_rate,
    CAST(entry.amount_tax AS DECIMAL(18, 4)) AS amount_tax,
    CAST(entry.amount_gross AS DECIMAL(18, 4)) AS amount_gross,
    invoiced.currency,
    invoiced.net AS invoice_total_net,
    invoiced.tax AS invoice_total_tax,
    invoiced.gross AS invoice_total_gross,
    run.source_file,
    run.source_sha256,
    entry.source_row,
    run.mapping_id
FROM entry
JOIN invoiced ON invoiced.number = entry.invoice_number
LEFT JOIN line ON line.invoice_number = entry.invoice_number AND line.ref = entry.line_ref
LEFT JOIN known_ref AS known_account ON known_account.kind = 'account' AND known_account.ref = invoiced.account
LEFT JOIN known_ref AS known_line ON known_line.kind = 'line' AND known_line.ref = entry.line_ref
CROSS JOIN run
-- The same file gives the same bytes: an order that depends on nothing but the rows.
ORDER BY
    invoiced.supplier_tax_id, invoiced.number, entry.place, entry.line_ref NULLS FIRST,
    length(entry.sorted_id), entry.sorted_id
