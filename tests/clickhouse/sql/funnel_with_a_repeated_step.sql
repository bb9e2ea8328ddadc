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
                          bitShiftLeft(toUInt64(toUnixTimestamp64Micro(timestamp) - {before:Int64}), 3),
                          toUInt64(
                              (events.event = {event:String}) * 1
                              + (events.event = {event:String}) * 2
                              + (events.event = {event_2:String}) * 4
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
                AND events.event IN {events:Array(String)}
              GROUP BY actor_id
              HAVING bitAnd(groupBitOr(mark), 7) = 7
                AND countIf(bitAnd(mark, 3) != 0) >= {times:UInt8}
          ),
          with_contested AS
          (
              SELECT
                  actor_id,
                  history,
                  arrayDistinct(arrayMap(
                      event -> toUInt64(bitShiftRight(event, 3)),
                      arrayFilter(
                          (event, next) -> toUInt64(bitShiftRight(event, 3)) = toUInt64(bitShiftRight(next, 3)) AND toUInt64(bitAnd(event, 7)) != toUInt64(bitAnd(next, 7)),
                          arrayPopBack(history), arrayPopFront(history)
                      )
                  )) AS contested
              FROM grouped
          ),
          with_instants AS
          (
              SELECT
                  actor_id,
                  history,
                  contested,
                  arrayMap(
                      history -> arraySplit(
                          (event, previous) -> toUInt64(bitShiftRight(event, 3)) != toUInt64(bitShiftRight(previous, 3)) OR NOT has(contested, toUInt64(bitShiftRight(event, 3))),
                          history, arrayPushFront(arrayPopBack(history), 0)
                      ),
                      if(empty(contested), [], [history])
                  )[1] AS instants
              FROM with_contested
          ),
          with_marks AS
          (
              SELECT
                  actor_id,
                  contested,
                  arrayPushFront(
                      arrayMap(instant -> toUInt64(bitShiftRight(instant[1], 3)), instants),
                      0
                  ) AS instant_moments,
                  arrayPushFront(
                      arrayMap(instant -> if(length(instant) = 1, toUInt64(bitAnd(instant[1], 7)), 7), instants),
                      0
                  ) AS instant_marks,
                  arrayPushFront(
                      arrayMap(
                          instant -> arrayMap(
                              standing -> if(
                                  length(instant) = 1,
                                  (toUInt8(standing + bitTest(toUInt64(bitAnd(instant[1], 7)), standing)), toUInt8(0)),
                                  arrayMap(
                                      state -> (state.1, state.2),
                                      [arrayFold(
                                          (state, step) -> arrayMap(
                                              place -> if(
                                                  place > 0 AND step > standing AND state.1 = step - 1,
                                                  (toUInt8(step), toUInt8(state.2), arrayPushBack(state.3, place)),
                                                  state
                                              ),
                                              [arrayFirstIndex(
                                                  (event, place) -> bitTest(toUInt64(bitAnd(event, 7)), step - 1) AND NOT has(state.3, place),
                                                  instant, arrayEnumerate(instant)
                                              )]
                                          )[1],
                                          range(1, 3 + 1),
                                          (toUInt8(standing), toUInt8(0), emptyArrayUInt32())
                                      )]
                                  )[1]
                              ),
                              range(3)
                          ),
                          instants
                      ),
                      []
                  ) AS instant_moves,
                  arrayPushFront(arrayMap(event -> toUInt64(bitShiftRight(event, 3)), history), 0) AS moments,
                  arrayPushFront(arrayMap(event -> toUInt64(bitAnd(event, 7)), history), 0) AS marks
              FROM with_instants
          ),
          with_entries_1 AS
          (
              SELECT
                  actor_id,
                  contested,
                  instant_moments,
                  instant_marks,
                  instant_moves,
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
                  contested,
                  instant_moments,
                  instant_marks,
                  instant_moves,
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
          with_instant_entries_1 AS
          (
              SELECT
                  actor_id,
                  contested,
                  instant_moments,
                  instant_marks,
                  instant_moves,
                  entries_1,
                  entries_2,
                  arrayFill(
                      entry -> entry != 18446744073709551615,
                      arrayMap(
                          (moment, mark, before_2) -> multiIf(
                              moment = 0, 0,
                              bitTest(mark, 2) AND before_2 > 0 AND moment <= before_2 + {window:UInt64}, before_2,
                              18446744073709551615
                          ),
                          moments, marks, arrayPopBack(arrayPushFront(entries_2, toUInt64(0)))
                      )
                  ) AS entries_3,
                  arrayFill(
                      entry -> entry != 18446744073709551615,
                      arrayMap(
                          (moment, mark, moves) -> multiIf(
                              moment = 0, 0,
                              moves[1].1 >= 1, moment,
                              18446744073709551615
                          ),
                          instant_moments, instant_marks, instant_moves
                      )
                  ) AS instant_entries_1
              FROM with_entries_2
          ),
          with_instant_entries_2 AS
          (
              SELECT
                  actor_id,
                  contested,
                  instant_moments,
                  instant_marks,
                  instant_moves,
                  entries_1,
                  entries_2,
                  entries_3,
                  instant_entries_1,
                  arrayFill(
                      entry -> entry != 18446744073709551615,
                      arrayMap(
                          (moment, mark, moves, before_1) -> multiIf(
                              moment = 0, 0,
                              moves[1].1 >= 2, moment,
                              moves[2].1 >= 2 AND before_1 > 0 AND moment <= before_1 + {window:UInt64}, before_1,
                              18446744073709551615
                          ),
                          instant_moments, instant_marks, instant_moves, arrayPopBack(arrayPushFront(instant_entries_1, toUInt64(0)))
                      )
                  ) AS instant_entries_2
              FROM with_instant_entries_1
          ),
          with_instant_entries_3 AS
          (
              SELECT
                  actor_id,
                  contested,
                  entries_1,
                  entries_2,
                  entries_3,
                  instant_entries_1,
                  instant_entries_2,
                  arrayFill(
                      entry -> entry != 18446744073709551615,
                      arrayMap(
                          (moment, mark, moves, before_1, before_2) -> multiIf(
                              moment = 0, 0,
                              moves[1].1 >= 3, moment,
                              moves[2].1 >= 3 AND before_1 > 0 AND moment <= before_1 + {window:UInt64}, before_1,
                              moves[3].1 >= 3 AND before_2 > 0 AND moment <= before_2 + {window:UInt64}, before_2,
                              18446744073709551615
                          ),
                          instant_moments, instant_marks, instant_moves, arrayPopBack(arrayPushFront(instant_entries_1, toUInt64(0))), arrayPopBack(arrayPushFront(instant_entries_2, toUInt64(0)))
                      )
                  ) AS instant_entries_3
              FROM with_instant_entries_2
          ),
          with_furthest AS
          (
              SELECT
                  actor_id,
                  if(
                      empty(contested),
                      multiIf(
                          arrayMax(entries_3) > 0, 3,
                          arrayMax(entries_2) > 0, 2,
                          arrayMax(entries_1) > 0, 1,
                          0
                      ),
                      multiIf(
                          arrayMax(instant_entries_3) > 0, 3,
                          arrayMax(instant_entries_2) > 0, 2,
                          arrayMax(instant_entries_1) > 0, 1,
                          0
                      )
                  ) AS furthest
              FROM with_instant_entries_3
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
--   times = 2
--   window = 1209600000000
--   furthest = [3]
--   rows = 101
--   offset = 0
