-- A column per property key, for filters: reading one key of a million documents must not mean reading the
-- documents. `properties` stays what it was and the only truth; this is made of it and can be made again.
--
-- A value is kept as text, so that every key has one type: strings after a quotation mark, everything else
-- after an equals sign as JSON writes it. The mark also keeps the engine from taking texts for dates. Nulls
-- and missing keys are NULL. Paths of the JSON type have their own syntax, so keys are percent-encoded
-- (clickhouse/sql/properties.py does the same), dots included; the empty key is a lone percent sign.
ALTER TABLE events ADD COLUMN IF NOT EXISTS property_texts JSON MATERIALIZED CAST(
    mapFromArrays(
        arrayMap(
            pair -> if(empty(pair.1), '%', replaceAll(encodeURLComponent(pair.1), '.', '%2E')),
            arrayFilter(pair -> pair.2 != 'null', JSONExtractKeysAndValuesRaw(properties)) AS pairs
        ),
        arrayMap(
            pair -> if(
                startsWith(pair.2, '"'), concat('"', JSONExtractString(pair.2)), concat('=', pair.2)
            ),
            pairs
        )
    ),
    'JSON'
) CODEC(LZ4);

ALTER TABLE events MATERIALIZE COLUMN property_texts;

ALTER TABLE person ADD COLUMN IF NOT EXISTS property_texts JSON MATERIALIZED CAST(
    mapFromArrays(
        arrayMap(
            pair -> if(empty(pair.1), '%', replaceAll(encodeURLComponent(pair.1), '.', '%2E')),
            arrayFilter(pair -> pair.2 != 'null', JSONExtractKeysAndValuesRaw(properties)) AS pairs
        ),
        arrayMap(
            pair -> if(
                startsWith(pair.2, '"'), concat('"', JSONExtractString(pair.2)), concat('=', pair.2)
            ),
            pairs
        )
    ),
    'JSON'
) CODEC(LZ4);

ALTER TABLE person MATERIALIZE COLUMN property_texts;
