-- Does every call detail have a higher id than the one before (the shorter first: numbers without leading zeros)? Then
-- none is there twice, and nothing has to be sorted.
SELECT
    coalesce(bool_and(length(id) > length(before) OR (length(id) = length(before) AND id > before)), true) AS is_strict
FROM (SELECT id, lag(id) OVER () AS before FROM usage)
WHERE before IS NOT NULL
