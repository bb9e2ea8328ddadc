SELECT id
FROM person FINAL
WHERE team_id = {project:Int64}
  AND is_deleted = 0
  AND person.id IN
  (
      WITH
          grouped AS
          (
              SELECT
                  ifNull(merged.person_id, events.person_id) AS actor_id,
                  arraySort(groupArray(
                      bitOr(
                          bitShiftLeft(toUInt128(toUnixTimestamp64Micro(timestamp) - {before:Int64}), 66),
                          bitOr(bitShiftLeft(toUInt128(arrival), 2), toUInt64(
                              (events.event = {event:String}) * 1
                              + (events.event = {event_2:String}) * 2
                          ) AS mark)
                      )
                  )) AS history
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
              HAVING bitCount(bitAnd(groupBitOr(mark), 3)) >= {least:UInt8}
          ),
          with_marks AS
          (
              SELECT
                  actor_id,
                  arrayMap(event -> toUInt64(bitShiftRight(event, 66)), history) AS moments,
                  arrayMap(event -> toUInt64(bitAnd(event, 3)), history) AS marks
              FROM grouped
          ),
          with_next_2 AS
          (
              SELECT
                  actor_id,
                  moments,
                  arrayPopBack(arrayReverseFill(
                      next -> next > 0,
                      arrayPushBack(
                          arrayMap(
                              (moment, mark) -> if(bitTest(mark, 0), moment, 0),
                              moments, marks
                          ),
                          toUInt64(18446744073709551615)
                      )
                  )) AS next_1,
                  arrayPopBack(arrayReverseFill(
                      next -> next > 0,
                      arrayPushBack(
                          arrayMap(
                              (moment, mark) -> if(bitTest(mark, 1), moment, 0),
                              moments, marks
                          ),
                          toUInt64(18446744073709551615)
                      )
                  )) AS next_2
              FROM with_marks
          ),
          with_made AS
          (
              SELECT
                  actor_id,
                  arrayMap(
                      (moment, next_1, next_2) -> toUInt8((next_1 <= moment + {window:UInt64}) + (next_2 <= moment + {window:UInt64})),
                      moments, next_1, next_2
                  ) AS made
              FROM with_next_2
          ),
          with_furthest AS
          (
              SELECT
                  actor_id,
                  arrayMax(made) AS furthest
              FROM with_made
          ),
          as_far_as_asked AS
          (
              SELECT * FROM with_furthest WHERE furthest IN {furthest:Array(UInt8)}
          )
      SELECT actor_id FROM as_far_as_asked
  )
ORDER BY UUIDToNum(person.id)
LIMIT {rows:UInt64} OFFSET {offset:UInt64}

-- with
--   project = 7
--   before = 1709247599999999
--   event = 'signed up'
--   event_2 = 'paid'
--   date_from = '2024-02-29 23:00:00.000000'
--   date_to = '2024-03-31 21:59:59.999999'
--   events = ['paid', 'signed up']
--   least = 2
--   window = 1209600000000
--   furthest = [2]
--   rows = 101
--   offset = 0
