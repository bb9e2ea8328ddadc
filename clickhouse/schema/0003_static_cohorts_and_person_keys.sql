-- Who was put into a static cohort, by a distinct id of theirs: whoever owns it now is the member.
CREATE TABLE IF NOT EXISTS static_cohort_member
(
    team_id     Int64,
    cohort_id   Int64,
    distinct_id String CODEC(ZSTD(1)),
    is_deleted  UInt8,
    version     UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (team_id, cohort_id, distinct_id)
SETTINGS non_replicated_deduplication_window = 1000;

-- The number that the API calls a person's id, given by PostgreSQL: lists are ordered by it.
ALTER TABLE person ADD COLUMN IF NOT EXISTS key Int64 DEFAULT 0;
