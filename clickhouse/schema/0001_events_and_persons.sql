-- What happened, and a versioned copy of who is who. Names and meanings follow PostHog's tables
-- (spec/ingestion.md section 5), so that data moves with INSERT ... SELECT.
--
-- non_replicated_deduplication_window is what makes the outbox exact: an insert that repeats a
-- recent deduplication token is dropped by the engine.

-- Ordered for questions about named events over days; within a day one person's events lie together,
-- which makes grouping by person cheaper. toDate32, because toDate wraps around before 1970.
-- person_id is the person at the time of arrival: queries resolve it with person_distinct_id_overrides.
-- arrival numbers the events in the order in which they were accepted: it breaks ties of timestamp.
CREATE TABLE IF NOT EXISTS events
(
    team_id        Int64,
    event          LowCardinality(String),
    timestamp      DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    uuid           UUID,
    distinct_id    String CODEC(ZSTD(1)),
    person_id      UUID,
    properties     String CODEC(ZSTD(3)),
    elements_chain String CODEC(ZSTD(3)),
    created_at     DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    arrival        UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (team_id, event, toDate32(timestamp), cityHash64(distinct_id), timestamp)
SETTINGS non_replicated_deduplication_window = 1000;

-- The live row of a person is the one with the highest version; is_deleted = 1 is a tombstone.
CREATE TABLE IF NOT EXISTS person
(
    team_id       Int64,
    id            UUID,
    created_at    DateTime64(6, 'UTC'),
    properties    String CODEC(ZSTD(3)),
    is_identified UInt8,
    is_deleted    UInt8,
    version       UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (team_id, id)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS person_distinct_id2
(
    team_id     Int64,
    distinct_id String CODEC(ZSTD(1)),
    person_id   UUID,
    is_deleted  UInt8,
    version     UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (team_id, distinct_id)
SETTINGS non_replicated_deduplication_window = 1000;

-- Only the distinct ids whose events carry a person_id that is no longer theirs (merges).
CREATE TABLE IF NOT EXISTS person_distinct_id_overrides
(
    team_id     Int64,
    distinct_id String CODEC(ZSTD(1)),
    person_id   UUID,
    is_deleted  UInt8,
    version     UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (team_id, distinct_id)
SETTINGS non_replicated_deduplication_window = 1000;
