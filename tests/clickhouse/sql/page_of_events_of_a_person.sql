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
  AND events.event IN {events:Array(String)}
  AND events.distinct_id_hash IN
  (
      SELECT cityHash64(if(generation = 0, id, concat(id, '\0', toString(generation))))
      FROM (SELECT {ids:Array(String)} AS id, {generations:Array(UInt32)} AS generation)
      ARRAY JOIN id, generation
  )
  AND (events.timestamp, events.arrival, events.uuid) > (
      {timestamp:DateTime64(6, 'UTC')}, {arrival:UInt64}, {uuid:UUID}
  )
  AND (
      substring(events.property_texts.{key:Identifier}.:String, 2) IN {texts:Array(String)}
      AND ifNull(merged.person_id, events.person_id) IN
      (
          SELECT id
          FROM person FINAL
          WHERE team_id = {project:Int64}
            AND is_deleted = 0
            AND person.id = {uuid_2:UUID}
      )
  )
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
ORDER BY events.timestamp, events.arrival, events.uuid
LIMIT {rows:UInt64} OFFSET {offset:UInt64}

-- with
--   project = 7
--   date_from = '2024-02-29 23:00:00.000000'
--   date_to = '2024-03-31 21:59:59.999999'
--   events = ['paid']
--   ids = ['ada', 'anon']
--   generations = [0, 2]
--   timestamp = '2024-03-15 18:20:00.000000'
--   arrival = 4711
--   uuid = UUID('00000000-0000-0000-0000-000000000002')
--   key = '%24browser'
--   texts = ['Chrome', 'Safari']
--   uuid_2 = UUID('00000000-0000-0000-0000-000000000001')
--   rows = 101
--   offset = 0
