-- How far a rebuild of person_property_history has got: the days that are done, and one row with day 0 that says
-- when it began. Empty while there is none.
CREATE TABLE IF NOT EXISTS property_history_rebuild
(
    team_id  Int64,
    day      Int32,
    done_at  DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = MergeTree
ORDER BY (team_id, day);
