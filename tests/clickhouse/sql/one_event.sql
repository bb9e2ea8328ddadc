SELECT events.timestamp, events.arrival, events.uuid, ifNull(merged.person_id, events.person_id) AS person
FROM events
LEFT ANY JOIN
(
    SELECT cityHash64(distinct_id) AS distinct_id_hash, toNullable(person_id) AS person_id
    FROM person_distinct_id_overrides FINAL
    WHERE team_id = {project:Int64} AND is_deleted = 0
) AS merged ON merged.distinct_id_hash = events.distinct_id_hash
WHERE team_id = {project:Int64}
  AND events.uuid = {uuid:UUID}
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
LIMIT 1

-- with
--   project = 7
--   uuid = UUID('00000000-0000-0000-0000-000000000002')
