-- The version at which an event found its distinct id, as in person_distinct_id2. An event that changes nothing
-- waits for nobody, so it may arrive after a deletion or a split that it did not know of; its arrival would make it
-- look as if it were of whoever has the id since. In the history a deletion or a split has the version that it gave
-- the id. Rows from before this have 0: they are told apart by their arrival alone, as they were.
ALTER TABLE events ADD COLUMN IF NOT EXISTS distinct_id_version UInt64 CODEC(ZSTD(1));

ALTER TABLE person_property_history ADD COLUMN IF NOT EXISTS distinct_id_version UInt64 CODEC(ZSTD(1));

ALTER TABLE event_with_update ADD COLUMN IF NOT EXISTS distinct_id_version UInt64;

-- As in 0005, with the version.
ALTER TABLE person_property_update MODIFY QUERY
WITH
    if(JSONType(properties, '$set') = 'Object', JSONExtractRaw(properties, '$set'), '{}') AS plain_set,
    if(JSONType(properties, '$set_once') = 'Object', JSONExtractRaw(properties, '$set_once'), '{}') AS plain_set_once,
    simpleJSONExtractRaw(properties, '$set') AS written_set,
    simpleJSONExtractRaw(properties, '$set_once') AS written_set_once,
    if(
        JSONType(properties, '$unset') = 'Object',
        JSONExtractKeys(properties, '$unset'), JSONExtract(properties, '$unset', 'Array(String)')
    ) AS keys
SELECT
    team_id,
    distinct_id,
    timestamp,
    arrival,
    'update' AS kind,
    uuid AS event_uuid,
    event,
    concat(
        '[',
        multiIf(
            plain_set = '{}', 'null',
            JSONExtractRaw(written_set) = plain_set, written_set,
            plain_set
        ),
        ',',
        multiIf(
            plain_set_once = '{}', 'null',
            JSONExtractRaw(written_set_once) = plain_set_once, written_set_once,
            plain_set_once
        ),
        ',',
        if(empty(keys), 'null', toJSONString(keys)),
        ']'
    ) AS detail,
    distinct_id_version
FROM event_with_update
WHERE event NOT IN ('$exception', '$$heatmap', '$web_vitals', '$performance_event', '$snapshot')
  AND JSONExtractRaw(properties, '$process_person_profile') != 'false'
  AND (plain_set != '{}' OR plain_set_once != '{}' OR notEmpty(keys));

ALTER TABLE event_with_update_arrived MODIFY QUERY
SELECT team_id, distinct_id, timestamp, arrival, uuid, event, properties, distinct_id_version
FROM events
WHERE multiSearchAny(properties, ['"$set"', '"$set_once"', '"$unset"']);
