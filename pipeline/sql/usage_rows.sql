-- The rows of the usage file (OUTPUT-CDR): one a call detail. `run` has one row.
SELECT
    '1.0' AS format_version,
    substr(sha256(concat_ws('|', usage.invoice_number, 'usage', usage.id)), 1, 32) AS record_id,
    run.root,
    run.operator,
    usage.invoice_number,
    usage.line_ref,
    strftime(usage.at, '%Y-%m-%dT%H:%M:%S') AS used_at,
    usage.kind,
    usage.direction,
    usage.dialled,
    usage.destination,
    usage.country,
    CASE WHEN usage.roaming THEN 'Y' WHEN NOT usage.roaming THEN 'N' END AS roaming,
    usage.seconds,
    CAST(usage.kbytes AS DECIMAL(18, 3)) AS kbytes,
    usage.net AS amount_net,
    CASE WHEN contains(usage.id, '#') THEN usage.id ELSE 'usage#' || usage.id END AS source_row
FROM usage CROSS JOIN run
ORDER BY usage.invoice_number, usage.line_ref, length(usage.id), usage.id
