-- The call details summed up: per invoice, line and kind how many there are and what they add up to.
SELECT invoice_number, line_ref, kind, sum(net) AS net, count(*) AS rows FROM usage GROUP BY ALL
