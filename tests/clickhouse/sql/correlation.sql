SELECT id
FROM person FINAL
WHERE team_id = {project:Int64}
  AND is_deleted = 0
  AND person.id IN
  (
      SELECT way.actor_id
      FROM
      (
          SELECT
              ifNull(merged.person_id, events.person_id) AS actor_id,
              toUnixTimestamp64Micro(timestamp) - {before:Int64} AS moment
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
            AND timestamp < {until:DateTime64(6, 'UTC')}
            AND events.event IN {events:Array(String)}
            AND events.event NOT IN {excluded:Array(String)}
      ) AS event
      INNER JOIN
      (
          WITH
              grouped AS
              (
                  SELECT
                      ifNull(merged.person_id, events.person_id) AS actor_id,
                      arraySort(groupArray(
                          bitOr(
                              bitShiftLeft(toUInt64(toUnixTimestamp64Micro(timestamp) - {before:Int64}), 2),
                              toUInt64(
                                  (events.event = {event:String}) * 1
                                  + (events.event = {event_2:String}) * 2
                              ) AS mark
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
                    AND events.event IN {events_2:Array(String)}
                  GROUP BY actor_id
                  HAVING bitAnd(groupBitOr(mark), 1) = 1
              ),
              with_moments AS
              (
                  SELECT *,
                      arrayPushFront(arrayMap(event -> toUInt64(bitShiftRight(event, 2)), history), 0) AS moments
                  FROM grouped
              ),
              with_marks AS
              (
                  SELECT *,
                      arrayPushFront(arrayMap(event -> toUInt64(bitAnd(event, 3)), history), 0) AS marks
                  FROM with_moments
              ),
              with_entries_1 AS
              (
                  SELECT *,
                      arrayFill(
                          entry -> entry != 18446744073709551615,
                          arrayMap(
                              (moment, mark, before) -> multiIf(
                                  moment = 0, 0,
                                  bitTest(mark, 0), moment,
                                  18446744073709551615
                              ),
                              moments, marks, moments
                          )
                      ) AS entries_1
                  FROM with_marks
              ),
              with_entries_2 AS
              (
                  SELECT *,
                      arrayFill(
                          entry -> entry != 18446744073709551615,
                          arrayMap(
                              (moment, mark, before) -> multiIf(
                                  moment = 0, 0,
                                  bitTest(mark, 1) AND before > 0 AND moment <= before + {window:UInt64}, before,
                                  18446744073709551615
                              ),
                              moments, marks, arrayPopBack(arrayPushFront(entries_1, toUInt64(0)))
                          )
                      ) AS entries_2
                  FROM with_entries_1
              ),
              with_furthest AS
              (
                  SELECT *,
                      multiIf(arrayMax(entries_2) > 0, 2, arrayMax(entries_1) > 0, 1, 0) AS furthest
                  FROM with_entries_2
              ),
              as_far_as_asked AS
              (
                  SELECT * FROM with_furthest WHERE furthest IN {furthest:Array(UInt8)}
              ),
              with_next_exclusions_1 AS
              (
                  SELECT *,
                      arrayMap(moment -> (toUInt64(18446744073709551615), toUInt64(18446744073709551615)), moments) AS next_exclusions_1
                  FROM as_far_as_asked
              ),
              with_arrivals_1 AS
              (
                  SELECT *,
                      arrayMap(
                          (moment, mark, following) -> multiIf(
                              moment = 0, (toUInt64(0), false, toUInt64(0), toUInt64(0), toUInt64(0)),
                              bitTest(mark, 0), (moment, false, following.1, following.2, moment),
                              (toUInt64(18446744073709551615), false, toUInt64(0), toUInt64(0), toUInt64(0))
                          ),
                          moments, marks, next_exclusions_1
                      ) AS arrivals_1
                  FROM with_next_exclusions_1
              ),
              with_paths_1 AS
              (
                  SELECT *,
                      arrayFill(path -> path.1 != 18446744073709551615, arrivals_1) AS paths_1
                  FROM with_arrivals_1
              ),
              with_arrivals_2 AS
              (
                  SELECT *,
                      arrayMap(
                          (moment, mark, place, path, before, present, following) -> multiIf(
                              moment = 0, (toUInt64(0), false, toUInt64(0), toUInt64(0), toUInt64(0)),
                              bitTest(mark, 1) AND before > 0 AND moment <= before + {window:UInt64} AND before != present,
                              (
                                  before,
                                  toBool(path.2 OR (path.3 <= place AND path.4 <= before + {window:UInt64})),
                                  following.1, following.2, moment
                              ),
                              (toUInt64(18446744073709551615), false, toUInt64(0), toUInt64(0), toUInt64(0))
                          ),
                          moments, marks, arrayEnumerate(moments),
                          arrayPopBack(arrayPushFront(paths_1, (toUInt64(0), false, toUInt64(0), toUInt64(0), toUInt64(0)))),
                          arrayPopBack(arrayPushFront(entries_1, toUInt64(0))),
                          arrayPopBack(arrayPushFront(entries_2, toUInt64(0))),
                          arrayMap(moment -> (toUInt64(18446744073709551615), toUInt64(18446744073709551615)), moments)
                      ) AS arrivals_2
                  FROM with_paths_1
              ),
              with_best AS
              (
                  SELECT *,
                      multiIf(
                          arrayExists(path -> path.1 > 0 AND path.1 != 18446744073709551615 AND NOT path.2, arrivals_2), (toUInt8(2), arrayFirst(path -> path.1 > 0 AND path.1 != 18446744073709551615 AND NOT path.2, arrivals_2)),
                          arrayExists(path -> path.1 > 0 AND path.1 != 18446744073709551615, arrivals_2), (toUInt8(2), arrayLast(path -> path.1 > 0 AND path.1 != 18446744073709551615 AND NOT path.2, arrivals_2)),
                          arrayExists(path -> path.1 > 0 AND path.1 != 18446744073709551615, arrivals_1), (toUInt8(1), arrayLast(path -> path.1 > 0 AND path.1 != 18446744073709551615 AND NOT path.2, arrivals_1)),
                          (toUInt8(0), (toUInt64(0), false, toUInt64(0), toUInt64(0), toUInt64(0)))
                      ) AS best
                  FROM with_arrivals_2
              ),
              not_excluded AS
              (
                  SELECT * FROM with_best WHERE best.2.1 > 0 AND (best.1 = 2 OR NOT best.2.4 <= best.2.1 + {window:UInt64})
              ),
              with_entered AS
              (
                  SELECT *,
                      best.2.1 AS entered
                  FROM not_excluded
              ),
              with_reached AS
              (
                  SELECT *,
                      best.2.5 AS reached
                  FROM with_entered
              )
          SELECT actor_id, furthest, entered, reached FROM with_reached
      ) AS way ON way.actor_id = event.actor_id
      WHERE event.moment > way.entered
        AND event.moment < if(
            way.furthest = {steps:UInt8}, way.reached, way.entered + {window:UInt64}
        )
        AND furthest = {last:UInt8}
  )
ORDER BY UUIDToNum(person.id)
LIMIT {rows:UInt64} OFFSET {offset:UInt64}

-- with
--   project = 7
--   before = 1709247599999999
--   date_from = '2024-02-29 23:00:00.000000'
--   date_to = '2024-03-31 21:59:59.999999'
--   until = '2024-03-31 21:59:59.999999'
--   events = ['watched']
--   excluded = ['signed up', 'paid']
--   event = 'signed up'
--   event_2 = 'paid'
--   events_2 = ['paid', 'signed up']
--   window = 1209600000000
--   furthest = [1, 2]
--   steps = 2
--   last = 2
--   rows = 101
--   offset = 0
