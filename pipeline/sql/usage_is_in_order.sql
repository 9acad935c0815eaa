-- Do the call details stand in the order of their ids (the shorter first: numbers without leading zeros)?
SELECT coalesce(bool_and(length(id) > length(before) OR (length(id) = length(before) AND id >= before)), true)
FROM (SELECT id, lag(id) OVER () AS before FROM usage)
WHERE before IS NOT NULL
