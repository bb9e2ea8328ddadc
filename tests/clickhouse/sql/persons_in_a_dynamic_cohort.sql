SELECT id
FROM person FINAL
WHERE team_id = {project:Int64}
  AND is_deleted = 0
  AND person.id IN
  (
      SELECT ifNull(merged.person_id, events.person_id) AS actor_id
      FROM events
      LEFT ANY JOIN
      (
          SELECT cityHash64(distinct_id) AS distinct_id_hash, toNullable(person_id) AS person_id
          FROM person_distinct_id_overrides FINAL
          WHERE team_id = {project:Int64} AND is_deleted = 0
      ) AS merged ON merged.distinct_id_hash = events.distinct_id_hash
      WHERE team_id = {project:Int64}
        AND timestamp >= {after:DateTime64(6, 'UTC')}
        AND timestamp <= {before:DateTime64(6, 'UTC')}
        AND events.event = {event:String}
      GROUP BY actor_id
      HAVING count() >= {times:UInt64}
  )
  AND positionCaseInsensitiveUTF8(substring(person.property_texts.{key:Identifier}.:String, 2), {part:String}) > 0
ORDER BY person.created_at DESC, person.key DESC, person.id DESC
LIMIT {rows:UInt64} OFFSET {offset:UInt64}

-- with
--   project = 7
--   after = '2024-02-14 18:20:00.000000'
--   before = '2024-03-15 18:20:00.000000'
--   event = 'paid'
--   times = 3
--   key = 'email'
--   part = '@example.com'
--   rows = 101
--   offset = 0
