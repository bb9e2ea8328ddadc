-- How many times an event's distinct id had been deleted when the event came: what happened before a
-- deletion must not follow the id to whoever gets it afterwards. So a row of person_distinct_id_overrides is
-- for the events of one generation. Of generation 0 it has the distinct id; of a later one the distinct id, a
-- NUL, which no distinct id contains, and the generation. That text is what events are joined by.
ALTER TABLE events ADD COLUMN IF NOT EXISTS generation UInt32 CODEC(ZSTD(1));

ALTER TABLE events MODIFY COLUMN distinct_id_hash UInt64
    MATERIALIZED cityHash64(if(generation = 0, distinct_id, concat(distinct_id, '\0', toString(generation))))
    CODEC(Delta, ZSTD(1));
