-- From the tables of SOFIA GESTION (all names assumed, files.yaml) to the canonical views.
-- Money is Currency in the file: exact, 4 decimals. An id keeps its table's name, so that a row can be found again.

CREATE VIEW header AS
SELECT
    "PERIODO" AS period,
    "NUM_FACTURAS" AS invoices,
    "NUM_ABONADOS" AS lines,
    CAST("TOTAL_BASE" AS DECIMAL(18, 4)) AS net,
    CAST("TOTAL_IMPUESTOS" AS DECIMAL(18, 4)) AS tax,
    CAST("TOTAL_FACTURADO" AS DECIMAL(18, 4)) AS gross,
    "ES_SUBSOPORTE" AS partial
FROM "SOPORTE";

CREATE VIEW invoice AS
SELECT
    f."NUM_FACTURA" AS number,
    CASE f."TIPO" WHEN 'F' THEN 'INVOICE' WHEN 'A' THEN 'CREDIT_NOTE' ELSE f."TIPO" END AS type,
    f."FACT_RECTIFICADA" AS original_number,
    f."CIF" AS customer_tax_id,
    c."NOMBRE" AS customer_name,
    c."CP" AS customer_postcode,
    f."CIF_EMISOR" AS supplier_tax_id,
    f."CUENTA" AS account,
    c."AGRUPACION" AS subaccount,
    CAST(f."FECHA_EMISION" AS DATE) AS issued,
    CAST(f."FECHA_VENC" AS DATE) AS due,
    CAST(f."PERIODO_DESDE" AS DATE) AS period_start,
    CAST(f."PERIODO_HASTA" AS DATE) AS period_end,
    CAST(f."BASE" AS DECIMAL(18, 4)) AS net,
    CAST(f."FUERA_BASE" AS DECIMAL(18, 4)) AS out_of_tax,
    CAST(f."IMPUESTOS" AS DECIMAL(18, 4)) AS tax,
    CAST(f."TOTAL" AS DECIMAL(18, 2)) AS gross,
    f."MONEDA" AS currency
FROM "FACTURAS" AS f
-- A customer that is there twice must not double its invoices.
LEFT JOIN (
    SELECT
        "CIF",
        any_value("NOMBRE") AS "NOMBRE",
        any_value("CP") AS "CP",
        any_value("AGRUPACION") AS "AGRUPACION"
    FROM "CLIENTES" GROUP BY "CIF"
) AS c ON c."CIF" = f."CIF";

CREATE VIEW tax AS
SELECT
    "NUM_FACTURA" AS invoice_number,
    CASE "REGIMEN" WHEN 'EXE' THEN 'EXEMPT' ELSE "REGIMEN" END AS regime,
    CAST("TIPO_IVA" AS DECIMAL(5, 2)) AS rate,
    CAST("BASE" AS DECIMAL(18, 4)) AS base,
    CAST("CUOTA_IVA" AS DECIMAL(18, 4)) AS amount
FROM "RESUMEN_IVA";

-- The Spanish numbering plan: 9 digits, longer for machines; 6 and 7 mobile, 8 and 9 geographic, 70 and x0 special.
CREATE VIEW line AS
SELECT
    "NUM_FACTURA" AS invoice_number,
    "NUM_ABONADO" AS ref,
    CASE
        WHEN regexp_full_match("NUM_ABONADO", '[0-9]{10,}') THEN 'M2M'
        WHEN regexp_full_match("NUM_ABONADO", '70[0-9]{7}') THEN 'SPECIAL'
        WHEN regexp_full_match("NUM_ABONADO", '[67][0-9]{8}') THEN 'MOBILE'
        WHEN regexp_full_match("NUM_ABONADO", '[89][1-8][0-9]{7}') THEN 'FIXED'
        ELSE 'SPECIAL'
    END AS kind,
    "TITULAR" AS user_name,
    "CENTRO_COSTE" AS cost_center,
    "SUBCENTRO" AS cost_subcenter,
    CAST("TOTAL_ABONADO" AS DECIMAL(18, 4)) AS net,
    -- One column more than the contract, for checks/charge_after_end.sql.
    CAST("FECHA_BAJA" AS DATE) AS ended
FROM "ABONADOS";

-- Where a charge has no rate of its own it takes the invoice's only tax group; a rate that no group of the invoice has
-- keeps its number, so that the controls can say that it does not add up.
CREATE VIEW charge AS
WITH only_group AS (
    SELECT
        "NUM_FACTURA",
        min(CAST("TIPO_IVA" AS DECIMAL(5, 2))) AS rate,
        min("REGIMEN") AS regime
    FROM "RESUMEN_IVA" GROUP BY "NUM_FACTURA" HAVING count(*) = 1
),
rate_group AS (
    SELECT "NUM_FACTURA", CAST("TIPO_IVA" AS DECIMAL(5, 2)) AS rate, min("REGIMEN") AS regime
    FROM "RESUMEN_IVA" GROUP BY ALL
),
rated AS (
    SELECT
        q.*,
        q."CATEGORIA" IS NOT DISTINCT FROM 'FUERABASE' AS out_of_tax,
        coalesce(CAST(q."TIPO_IVA" AS DECIMAL(5, 2)), o.rate, CAST(0 AS DECIMAL(5, 2))) AS rate
    FROM "CUOTAS" AS q LEFT JOIN only_group AS o ON o."NUM_FACTURA" = q."NUM_FACTURA"
)
SELECT
    'CUOTAS#' || r."ID" AS id,
    r."NUM_FACTURA" AS invoice_number,
    r."NUM_ABONADO" AS line_ref,
    CASE r."CATEGORIA"
        WHEN 'CUOTA' THEN 'RECURRING'
        WHEN 'LLAM' THEN 'USAGE_VOICE'
        WHEN 'DATOS' THEN 'USAGE_DATA'
        WHEN 'SMS' THEN 'USAGE_SMS'
        WHEN 'DTO_CLI' THEN 'DISCOUNT'
        WHEN 'DTO_PLAN' THEN 'DISCOUNT'
        WHEN 'OTROS' THEN 'ONE_OFF'
        WHEN 'FUERABASE' THEN 'OUT_OF_TAX'
        ELSE r."CATEGORIA"
    END AS category,
    r."COD_CONCEPTO" AS code,
    r."CONCEPTO" AS label,
    CAST(r."DESDE" AS DATE) AS starts,
    CAST(r."HASTA" AS DATE) AS ends,
    CAST(r."UNIDADES" AS DECIMAL(14, 4)) AS quantity,
    -- The unit of data charges is not known, so it is not told.
    CASE r."CATEGORIA" WHEN 'DATOS' THEN CAST(NULL AS VARCHAR) WHEN 'SMS' THEN 'MSG' ELSE 'EACH' END AS unit,
    CAST(r."IMPORTE" AS DECIMAL(18, 4)) AS net,
    CASE
        WHEN r.out_of_tax THEN 'NONE'
        WHEN g.regime = 'EXE' THEN 'EXEMPT'
        WHEN g.regime IS NOT NULL THEN g.regime
        WHEN r.rate = 0 THEN 'EXEMPT'
        ELSE 'IVA'
    END AS tax_regime,
    CASE WHEN r.out_of_tax THEN CAST(0 AS DECIMAL(5, 2)) ELSE r.rate END AS tax_rate
FROM rated AS r
LEFT JOIN rate_group AS g ON g."NUM_FACTURA" = r."NUM_FACTURA" AND g.rate = r.rate;

-- IMPORTE is what is left after DESCUENTO.
CREATE VIEW usage AS
SELECT
    'DETALLE_LLAMADAS#' || "ID" AS id,
    "NUM_FACTURA" AS invoice_number,
    "NUM_ABONADO" AS line_ref,
    "FECHA_HORA" AS at,
    CASE "TIPO" WHEN 'VOZ' THEN 'VOICE' WHEN 'DATOS' THEN 'DATA' ELSE "TIPO" END AS kind,
    CASE "SENTIDO" WHEN 'S' THEN 'OUT' WHEN 'E' THEN 'IN' ELSE "SENTIDO" END AS direction,
    "NUM_DESTINO" AS dialled,
    "DESTINO" AS destination,
    "PAIS" AS country,
    "ROAMING" AS roaming,
    "DURACION" AS seconds,
    "KBYTES" AS kbytes,
    CAST("IMPORTE" AS DECIMAL(18, 4)) AS net
FROM "DETALLE_LLAMADAS";
