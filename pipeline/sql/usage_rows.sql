-- The rows of the usage file (OUTPUT-CDR): one a call detail. Invoice and source row tell one from every other; what
-- is the same in all rows is in the file's name and its manifest.
SELECT
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
FROM usage_in_order AS usage
