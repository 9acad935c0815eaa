-- code: CHARGE_AFTER_END
-- severity: warn
-- A charge whose period begins after the line's end (FECHA_BAJA).
SELECT charge.line_ref AS line, line.ended, charge.label, charge.net
FROM charge
JOIN line ON line.invoice_number = charge.invoice_number AND line.ref = charge.line_ref
WHERE charge.starts > line.ended AND charge.net > 0
ORDER BY charge.rowid
