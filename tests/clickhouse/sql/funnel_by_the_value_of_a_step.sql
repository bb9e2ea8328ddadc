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
                          bitShiftLeft(toUInt128(toUnixTimestamp64Micro(timestamp) - {before:Int64}), 67),
                          bitOr(bitShiftLeft(toUInt128(arrival), 3), toUInt64(
                              (events.event = {event:String}) * 1
                              + (events.event = {event_2:String}) * 2
                              + (ifNull(substring(events.property_texts.{key:Identifier}.:String, 2), '') IN {values:Array(String)}) * 4
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
              HAVING bitAnd(groupBitOr(mark), 3) = 3
          ),
          with_contested AS
          (
              SELECT
                  actor_id,
                  history,
                  arrayDistinct(arrayMap(
                      event -> toUInt64(bitShiftRight(event, 67)),
                      arrayFilter(
                          (event, next) -> toUInt64(bitShiftRight(event, 67)) = toUInt64(bitShiftRight(next, 67)) AND toUInt64(bitAnd(event, 3)) != toUInt64(bitAnd(next, 3)),
                          arrayPopBack(history), arrayPopFront(history)
                      )
                  )) AS contested
              FROM grouped
          ),
          with_sorted_history AS
          (
              SELECT
                  actor_id,
                  if(
                      empty(contested),
                      history,
                      arraySort(
                          event -> (toUInt64(bitShiftRight(event, 67)), toUInt64(bitAnd(event, 3)), event),
                          arrayFilter(
                              event -> toUInt64(bitAnd(event, 3)) != 0,
                              arrayMap(
                                  event -> if(has(contested, toUInt64(bitShiftRight(event, 67))), bitOr(bitAnd(event, bitNot(toUInt128(0))), toUInt128(0)), event),
                                  history
                              )
                          )
                      )
                  ) AS sorted_history
              FROM with_contested
          ),
          with_marks AS
          (
              SELECT
                  actor_id,
                  arrayPushFront(arrayMap(event -> toUInt64(bitShiftRight(event, 67)), sorted_history), 0) AS moments,
                  arrayPushFront(arrayMap(event -> toUInt64(bitAnd(event, 7)), sorted_history), 0) AS marks
              FROM with_sorted_history
          ),
          with_entries_1 AS
          (
              SELECT
                  actor_id,
                  moments,
                  marks,
                  arrayFill(
                      entry -> entry != 18446744073709551615,
                      arrayMap(
                          (moment, mark) -> multiIf(
                              moment = 0, 0,
                              bitTest(mark, 0), moment,
                              18446744073709551615
                          ),
                          moments, marks
                      )
                  ) AS entries_1
              FROM with_marks
          ),
          with_entries_2 AS
          (
              SELECT
                  actor_id,
                  moments,
                  marks,
                  entries_1,
                  arrayFill(
                      entry -> entry != 18446744073709551615,
                      arrayMap(
                          (moment, mark, before_1) -> multiIf(
                              moment = 0, 0,
                              bitTest(mark, 1) AND before_1 > 0 AND moment <= before_1 + {window:UInt64}, before_1,
                              18446744073709551615
                          ),
                          moments, marks, arrayPopBack(arrayPushFront(entries_1, toUInt64(0)))
                      )
                  ) AS entries_2
              FROM with_entries_1
          ),
          with_furthest AS
          (
              SELECT
                  actor_id,
                  moments,
                  marks,
                  multiIf(
                      arrayMax(entries_2) > 0, 2,
                      arrayMax(entries_1) > 0, 1,
                      0
                  ) AS furthest
              FROM with_entries_2
          ),
          as_far_as_asked AS
          (
              SELECT * FROM with_furthest WHERE furthest IN {furthest:Array(UInt8)}
          ),
          with_arrivals_2 AS
          (
              SELECT
                  actor_id,
                  moments,
                  marks,
                  furthest,
                  arrayMap(
                      (moment, mark, place) -> (
                          toUInt64(place),
                          if(furthest = 2, moment, toUInt64(18446744073709551615)),
                          toUInt64(18446744073709551615),
                          bitTest(mark, 2)
                      ),
                      moments, marks, arrayEnumerate(moments)
                  ) AS arrivals_2
              FROM as_far_as_asked
          ),
          with_next_1 AS
          (
              SELECT
                  actor_id,
                  moments,
                  marks,
                  furthest,
                  arrayPopFront(arrayReverseFill(
                      following -> following.1 > 0,
                      arrayPushBack(
                          arrayMap(
                              (mark, place, arrival_2) -> multiIf(
                                  bitTest(mark, 1), arrival_2,
                                  (toUInt64(0), toUInt64(18446744073709551615), toUInt64(18446744073709551615), toUInt8(0))
                              ),
                              marks, arrayEnumerate(moments), arrivals_2
                          ),
                          (toUInt64(18446744073709551615), toUInt64(18446744073709551615), toUInt64(18446744073709551615), toUInt8(0))
                      )
                  )) AS next_1
              FROM with_arrivals_2
          ),
          with_arrivals_1 AS
          (
              SELECT
                  actor_id,
                  moments,
                  marks,
                  arrayMap(
                      (moment, mark, place, next) -> (
                          toUInt64(place),
                          if(furthest = 1, moment, next.2),
                          if(furthest = 1, toUInt64(18446744073709551615), next.3),
                          if(furthest = 1, toUInt8(0), next.4)
                      ),
                      moments, marks, arrayEnumerate(moments), next_1
                  ) AS arrivals_1
              FROM with_next_1
          ),
          with_attempts AS
          (
              SELECT
                  actor_id,
                  arrayFilter(
                      attempt -> attempt.2 <= attempt.1 + {window:UInt64},
                      arrayMap(
                          (moment, mark, place, arrival_1) -> multiIf(
                              bitTest(mark, 0), (moment, arrival_1.2, arrival_1.3, arrival_1.4),
                              (toUInt64(0), toUInt64(18446744073709551615), toUInt64(18446744073709551615), toUInt8(0))
                          ),
                          moments, marks, arrayEnumerate(moments), arrivals_1
                      )
                  ) AS attempts
              FROM with_arrivals_1
          ),
          with_counted AS
          (
              SELECT
                  actor_id,
                  arrayFirst(attempt -> attempt.3 > attempt.1 + {window:UInt64}, attempts) AS counted
              FROM with_attempts
          ),
          unspoilt AS
          (
              SELECT * FROM with_counted WHERE counted.1 > 0
          ),
          attributed AS
          (
              SELECT * FROM unspoilt WHERE counted.4 = 1
          )
      SELECT actor_id FROM attributed
  )
ORDER BY UUIDToNum(person.id)
LIMIT {rows:UInt64} OFFSET {offset:UInt64}

-- with
--   project = 7
--   before = 1709247599999999
--   event = 'signed up'
--   event_2 = 'paid'
--   key = '%24browser'
--   values = ['Chrome', '']
--   date_from = '2024-02-29 23:00:00.000000'
--   date_to = '2024-03-31 21:59:59.999999'
--   events = ['paid', 'signed up']
--   window = 1209600000000
--   furthest = [2]
--   rows = 101
--   offset = 0
