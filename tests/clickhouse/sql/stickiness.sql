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
        bitCount(groupBitOr(bitShiftLeft(toUInt64(1), transform(
            roundDown(
                toUInt64(intDiv(toUnixTimestamp64Micro(timestamp) - {first:Int64}, 1000000)),
                {starts:Array(UInt64)}
            ),
            {starts:Array(UInt64)},
            range({number:UInt16})
        )))) AS value
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
WHERE value = {value:UInt64}
ORDER BY value DESC NULLS LAST, UUIDToNum(actor_id)
LIMIT {rows:UInt64} OFFSET {offset:UInt64}

-- with
--   project = 7
--   first = 1708902000000000
--   starts = [0, 604800, 1209600, 1814400, 2419200]
--   number = 5
--   date_from = '2024-02-29 23:00:00.000000'
--   date_to = '2024-03-31 21:59:59.999999'
--   events = ['paid']
--   value = 3
--   rows = 101
--   offset = 0
