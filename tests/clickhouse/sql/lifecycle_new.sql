SELECT id
FROM person FINAL
WHERE team_id = {project:Int64}
  AND is_deleted = 0
  AND NOT ifNull(positionCaseInsensitiveUTF8(substring(person.property_texts.{key:Identifier}.:String, 2), {part:String}) > 0, false)
  AND (
      person.created_at >= {start:DateTime64(6, 'UTC')}
      AND person.created_at < {end:DateTime64(6, 'UTC')}
  )
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
        AND toDate32(timestamp) >= toDate32({date_from:DateTime64(6, 'UTC')})
        AND toDate32(timestamp) <= toDate32({date_to:DateTime64(6, 'UTC')})
        AND timestamp >= {date_from:DateTime64(6, 'UTC')}
        AND timestamp <= {date_to:DateTime64(6, 'UTC')}
        AND events.event IN {events:Array(String)}
        AND (
            substring(events.property_texts.{key_2:Identifier}.:String, 2) IN {texts:Array(String)}
            AND NOT ifNull(substring(events.property_texts.{key_2_2:Identifier}.:String, 2) = {text:String}, false)
        )
      GROUP BY actor_id
      HAVING min(timestamp) >= {target:DateTime64(6, 'UTC')}
  )
ORDER BY UUIDToNum(person.id)
LIMIT {rows:UInt64} OFFSET {offset:UInt64}

-- with
--   project = 7
--   key = 'email'
--   part = '@example.com'
--   start = '2024-03-14 23:00:00.000000'
--   end = '2024-03-15 23:00:00.000000'
--   date_from = '2024-02-28 23:00:00.000000'
--   date_to = '2024-03-15 22:59:59.999999'
--   events = ['paid']
--   key_2 = '%24browser'
--   texts = ['Chrome', 'Safari']
--   key_2_2 = '%24process_person_profile'
--   text = 'false'
--   target = '2024-03-14 23:00:00.000000'
--   rows = 101
--   offset = 0
