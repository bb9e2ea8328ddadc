SELECT person.id AS actor_id, did.value AS value
FROM
(
    SELECT id
    FROM person FINAL
    WHERE team_id = {project:Int64}
      AND is_deleted = 0
) AS person
INNER JOIN
(
    SELECT
        ifNull(merged.person_id, events.person_id) AS actor_id,
        length(groupUniqArrayIf(cityHash64(ifNull(substring(events.property_texts.{key:Identifier}.:String, 2), '') AS session), session != '')) AS value
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
    GROUP BY actor_id
) AS did ON did.actor_id = person.id
WHERE true
ORDER BY value DESC NULLS LAST, UUIDToNum(actor_id)
LIMIT {rows:UInt64} OFFSET {offset:UInt64}

-- with
--   project = 7
--   key = '%24session_id'
--   date_from = '2024-02-29 23:00:00.000000'
--   date_to = '2024-03-31 21:59:59.999999'
--   events = ['paid']
--   rows = 101
--   offset = 0
