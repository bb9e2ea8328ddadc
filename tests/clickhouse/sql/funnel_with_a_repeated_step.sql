SELECT actor_id
FROM
(
    WITH
        history.1 AS moments,
        history.3 AS step_sets,
        arrayFilter(
            (moment, steps, next_moment, next_steps) -> moment = next_moment AND steps != next_steps,
            arrayPopBack(moments), arrayPopBack(step_sets), arrayPopFront(moments), arrayPopFront(step_sets)
        ) AS contested,
        arraySort(
            triple -> if(
                has(contested, triple.1),
                (triple.1, triple.3, toInt64(triple.2)),
                (triple.1, toInt64(triple.2), -triple.3)
            ),
            arrayFlatten(arrayMap(
                (moment, event, steps) -> arrayMap(
                    step -> (moment, event, toInt64(step)),
                    bitPositionsToArray(steps)
                ),
                moments, arrayEnumerate(moments), step_sets
            ))
        ) AS triples
    SELECT
        actor_id,
        arrayCount(
            entry -> entry > 0,
            if(
                empty(contested),
                arrayFold(
                    (entries, moment, steps) -> arrayMap(
                        (step, coming, present) -> if(
                            bitTest(steps, step) AND coming > 0 AND moment <= coming + {window:UInt64},
                            coming,
                            present
                        ),
                        range({steps:UInt8}),
                        arrayPushFront(arrayPopBack(entries), moment),
                        entries
                    ),
                    moments, step_sets,
                    arrayWithConstant({steps:UInt8}, toUInt64(0))
                ),
                arrayFold(
                    (paths, moment, event, step) -> arrayMap(
                        (own_step, coming, present) -> if(
                            step = own_step AND coming.1 > 0 AND moment <= coming.1 + {window:UInt64}
                                AND coming.1 != present.1 AND NOT has(coming.2, event),
                            (coming.1, arrayPushBack(coming.2, event)),
                            present
                        ),
                        range({steps:UInt8}),
                        arrayPushFront(arrayPopBack(paths), (moment, emptyArrayUInt32())),
                        paths
                    ),
                    triples.1, triples.2, triples.3,
                    arrayWithConstant({steps:UInt8}, (toUInt64(0), emptyArrayUInt32()))
                ).1
            )
        ) AS furthest
    FROM
    (
        SELECT
            ifNull(merged.person_id, events.person_id) AS actor_id,
            arraySort(groupArray((
                toUInt64(toUnixTimestamp64Micro(timestamp) + 10000000000000000),
                arrival,
                toUInt32(
                    (ifNull(events.event = {event:String}, false)) * 1
                    + (ifNull(events.event = {event:String}, false)) * 2
                    + (ifNull(events.event = {event_2:String}, false)) * 4
                )
            ))) AS history
        FROM events
        LEFT ANY JOIN
        (
            SELECT distinct_id, toNullable(person_id) AS person_id
            FROM person_distinct_id_overrides FINAL
            WHERE team_id = {project:Int64} AND is_deleted = 0
        ) AS merged ON merged.distinct_id = events.distinct_id
        WHERE team_id = {project:Int64}
          AND timestamp >= {date_from:DateTime64(6, 'UTC')}
          AND timestamp <= {date_to:DateTime64(6, 'UTC')}
          AND events.event IN {events:Array(String)}
        GROUP BY actor_id
    )
)
WHERE furthest IN {furthest:Array(UInt8)}
  AND actor_id IN
  (
      SELECT id
      FROM person FINAL
      WHERE team_id = {project:Int64}
        AND is_deleted = 0
  )
ORDER BY UUIDToNum(actor_id)
LIMIT {rows:UInt64} OFFSET {offset:UInt64}

-- with
--   window = 1209600000000
--   steps = 3
--   event = 'signed up'
--   event_2 = 'paid'
--   project = 7
--   date_from = '2024-02-29 23:00:00.000000'
--   date_to = '2024-03-31 21:59:59.999999'
--   events = ['paid', 'signed up']
--   furthest = [3]
--   rows = 101
--   offset = 0
