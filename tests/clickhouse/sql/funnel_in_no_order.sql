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
          with_moments AS
          (
              SELECT *,
                  arrayPushFront(arrayMap(event -> toUInt64(bitShiftRight(event, 66)), history), 0) AS moments
              FROM grouped
          ),
          with_marks AS
          (
              SELECT *,
                  arrayPushFront(arrayMap(event -> toUInt64(bitAnd(event, 3)), history), 0) AS marks
              FROM with_moments
          ),
          with_latest_1 AS
          (
              SELECT *,
                  arrayFill(
                      time -> time != 18446744073709551615,
                      arrayMap(
                          (moment, mark) -> multiIf(
                              moment = 0 OR false, 0, bitTest(mark, 0), moment, 18446744073709551615
                          ),
                          moments, marks
                      )
                  ) AS latest_1
              FROM with_marks
          ),
          with_latest_2 AS
          (
              SELECT *,
                  arrayFill(
                      time -> time != 18446744073709551615,
                      arrayMap(
                          (moment, mark) -> multiIf(
                              moment = 0 OR false, 0, bitTest(mark, 1), moment, 18446744073709551615
                          ),
                          moments, marks
                      )
                  ) AS latest_2
              FROM with_latest_1
          ),
          with_counts AS
          (
              SELECT *,
                  arrayMap((moment, time_1, time_2) -> toUInt8((time_1 > 0 AND time_1 + {window:UInt64} >= moment) + (time_2 > 0 AND time_2 + {window:UInt64} >= moment)), moments, latest_1, latest_2) AS counts
              FROM with_latest_2
          ),
          with_furthest AS
          (
              SELECT *,
                  arrayMax(counts) AS furthest
              FROM with_counts
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
