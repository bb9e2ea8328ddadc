SELECT events.timestamp, events.arrival, events.uuid, ifNull(merged.person_id, events.person_id) AS person
FROM events
LEFT ANY JOIN
(
    SELECT cityHash64(distinct_id) AS distinct_id_hash, toNullable(person_id) AS person_id
    FROM person_distinct_id_overrides FINAL
    WHERE team_id = {project:Int64} AND is_deleted = 0
) AS merged ON merged.distinct_id_hash = events.distinct_id_hash
WHERE team_id = {project:Int64}
  AND toDate32(timestamp) >= toDate32({date_from:DateTime64(6, 'UTC')})
  AND toDate32(timestamp) <= toDate32({date_to:DateTime64(6, 'UTC')})
  AND timestamp >= {date_from:DateTime64(6, 'UTC')}
  AND timestamp <= {date_to:DateTime64(6, 'UTC')}
  AND NOT (
      ifNull(merged.person_id, events.person_id) IN
      (
          SELECT id
          FROM person FINAL
          WHERE team_id = {project:Int64} AND is_deleted = 1
      )
      OR events.distinct_id IN
      (
          SELECT distinct_id
          FROM person_distinct_id2 FINAL
          WHERE team_id = {project:Int64} AND is_deleted = 1
      )
  )
ORDER BY events.timestamp DESC, events.arrival DESC, events.uuid DESC
LIMIT {rows:UInt64} OFFSET {offset:UInt64}

-- with
--   project = 7
--   date_from = '2024-02-29 23:00:00.000000'
--   date_to = '2024-03-31 21:59:59.999999'
--   rows = 101
--   offset = 0
