SELECT toUnixTimestamp64Micro(events.timestamp) AS moment, events.arrival
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
  AND substring(events.property_texts.{key:Identifier}.:String, 2) IN {texts:Array(String)}
  AND events.distinct_id_hash IN
  (
      SELECT cityHash64(if(generation = 0, id, concat(id, '\0', toString(generation))))
      FROM (SELECT {ids:Array(String)} AS id, {generations:Array(UInt32)} AS generation)
      ARRAY JOIN id, generation
  )
  AND ifNull(merged.person_id, events.person_id) = {person:UUID}
ORDER BY moment, events.arrival

-- with
--   project = 7
--   date_from = '2024-02-29 23:00:00.000000'
--   date_to = '2024-03-31 21:59:59.999999'
--   events = ['paid']
--   key = '%24browser'
--   texts = ['Chrome', 'Safari']
--   ids = ['ada', 'anon']
--   generations = [0, 2]
--   person = UUID('00000000-0000-0000-0000-000000000001')
