-- As pipeline.client.normalised_tax_id: capitals, without ES in front, spaces, hyphens and dots.
CREATE MACRO canonical.normalised_tax_id(tax_id) AS
    CASE
        WHEN length(regexp_replace(upper(tax_id), '[\s.-]', '', 'g')) > 9
        THEN regexp_replace(regexp_replace(upper(tax_id), '[\s.-]', '', 'g'), '^ES', '')
        ELSE regexp_replace(upper(tax_id), '[\s.-]', '', 'g')
    END
