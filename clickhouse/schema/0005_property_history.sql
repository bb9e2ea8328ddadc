-- What events asked of the properties of persons, and what merges, splits and deletions did to the persons.
-- It lies by distinct id, so a history goes where its ids go. persons/identity/replay.py replays it.
--
-- kind       detail, as JSON
-- update     [set, set where absent, remove], each of which may be null: what an event asks. Filled by the views
--            below; the other kinds come through the outbox.
-- merge      [person, other person, distinct id of the event]: the other person, whose the distinct id of this row
--            was, became part of the person
-- split      [person, properties]: from here on the distinct id is the person's, which has exactly these
--            properties; {} under all of its distinct ids but one
-- deletion   nothing: what had arrived for the distinct id is nobody's
--
-- A row that is written again replaces itself, so a rebuild can be repeated; written_at tells rows that a rebuild
-- has not found. The sort key is the order of replay. Granules are small, because a question is about one person
-- and documents may be long.
CREATE TABLE IF NOT EXISTS person_property_history
(
    team_id     Int64,
    distinct_id String CODEC(ZSTD(1)),
    timestamp   DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    arrival     UInt64 CODEC(Delta, ZSTD(1)),
    kind        Enum8('merge' = 1, 'split' = 2, 'deletion' = 3, 'update' = 4),
    event_uuid  UUID,
    event       LowCardinality(String),
    detail      String CODEC(ZSTD(1)),
    written_at  DateTime64(6, 'UTC') DEFAULT now64(6) CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(written_at)
ORDER BY (team_id, distinct_id, timestamp, arrival, kind, event_uuid)
SETTINGS non_replicated_deduplication_window = 1000, index_granularity = 512;

-- Where events go to be looked at, those that arrive and those of a rebuild. It keeps nothing.
CREATE TABLE IF NOT EXISTS event_with_update
(
    team_id     Int64,
    distinct_id String,
    timestamp   DateTime64(6, 'UTC'),
    arrival     UInt64,
    uuid        UUID,
    event       LowCardinality(String),
    properties  String
)
ENGINE = Null;

-- Of events that carry an update those that may make it; persons/identity/properties.py has the same rules.
-- Events that capture took have been put right by it, those that came by INSERT ... SELECT may be anything.
-- Documents are taken as they were written, since the engine's own writing makes 1 of 1.0; but where an inner
-- object has a part of that name, simpleJSONExtractRaw may find that one.
CREATE MATERIALIZED VIEW IF NOT EXISTS person_property_update TO person_property_history AS
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
    ) AS detail
FROM event_with_update
WHERE event NOT IN ('$exception', '$$heatmap', '$web_vitals', '$performance_event', '$snapshot')
  AND JSONExtractRaw(properties, '$process_person_profile') != 'false'
  AND (plain_set != '{}' OR plain_set_once != '{}' OR notEmpty(keys));

CREATE MATERIALIZED VIEW IF NOT EXISTS event_with_update_arrived TO event_with_update AS
SELECT team_id, distinct_id, timestamp, arrival, uuid, event, properties
FROM events
WHERE multiSearchAny(properties, ['"$set"', '"$set_once"', '"$unset"']);

INSERT INTO event_with_update
SELECT team_id, distinct_id, timestamp, arrival, uuid, event, properties
FROM events
WHERE multiSearchAny(properties, ['"$set"', '"$set_once"', '"$unset"']);
