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
              SELECT *,
                  arrayDistinct(arrayMap(
                      event -> toUInt64(bitShiftRight(event, 3)),
                      arrayFilter(
                          (event, next) -> toUInt64(bitShiftRight(event, 3)) = toUInt64(bitShiftRight(next, 3)) AND toUInt64(bitAnd(event, 7)) != toUInt64(bitAnd(next, 7)),
                          arrayPopBack(history), arrayPopFront(history)
                      )
                  )) AS contested
              FROM grouped
          ),
          with_moments AS
          (
              SELECT *,
                  arrayPushFront(arrayMap(event -> toUInt64(bitShiftRight(event, 3)), history), 0) AS moments
              FROM with_contested
          ),
          with_marks AS
          (
              SELECT *,
                  arrayPushFront(arrayMap(event -> toUInt64(bitAnd(event, 7)), history), 0) AS marks
              FROM with_moments
          ),
          with_tied AS
          (
              SELECT *,
                  if(empty(contested), [], [history]) AS tied
              FROM with_marks
          ),
          with_offers AS
          (
              SELECT *,
                  arrayMap(
                      history -> arraySort(
                          offer -> if(
                              has(contested, offer.1),
                              (offer.1, offer.3, offer.2, toInt64(0)),
                              (offer.1, offer.2, if(offer.3 > 0, toInt64(1), -2 * offer.3), -offer.3)
                          ),
                          arrayFlatten(arrayMap(
                              (event, place) -> arrayMap(
                                  step -> (
                                      toUInt64(bitShiftRight(event, 3)), toInt64(place), step,
                                      if(has(contested, toUInt64(bitShiftRight(event, 3))), bitOr(toUInt64(bitAnd(event, 7)), 9223372036854775808), toUInt64(bitAnd(event, 7)))
                                  ),
                                  arrayConcat(
                                      arrayMap(bit -> toInt64(bit) + 1, bitPositionsToArray(bitAnd(toUInt64(bitAnd(event, 7)), 7))),
                                      if(has(contested, toUInt64(bitShiftRight(event, 3))), emptyArrayInt64(), {around:Array(Int64)})
                                  )
                              ),
                              history, arrayEnumerate(history)
                          ))
                      ),
                      tied
                  ) AS offers
              FROM with_tied
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
              FROM with_offers
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
          with_entries_3 AS
          (
              SELECT *,
                  arrayFill(
                      entry -> entry != 18446744073709551615,
                      arrayMap(
                          (moment, mark, before) -> multiIf(
                              moment = 0, 0,
                              bitTest(mark, 2) AND before > 0 AND moment <= before + {window:UInt64}, before,
                              18446744073709551615
                          ),
                          moments, marks, arrayPopBack(arrayPushFront(entries_2, toUInt64(0)))
                      )
                  ) AS entries_3
              FROM with_entries_2
          ),
          with_furthest AS
          (
              SELECT *,
                  if(
                      empty(contested),
                      multiIf(arrayMax(entries_3) > 0, 3, arrayMax(entries_2) > 0, 2, arrayMax(entries_1) > 0, 1, 0),
                      arrayMap(
                          last -> (last.2, last.3, last.4, last.5),
                          arrayMap(
                              offers -> arrayFold(
                                  (state, moment, event, step, mark) -> (
                                      arrayMap(
                                          (path, before, following, place) -> multiIf(
                                              step = place AND (
                                                  before.1 > 0 AND moment <= before.1 + {window:UInt64} AND NOT has(before.2, event)
                                                  AND (before.1 != path.1 OR (place = 1 AND NOT bitTest(mark, 63)))
                                              ),
                                              (before.1, arrayPushBack(before.2, event), before.3),
                                              step = 0 AND bitTest(mark, 3 - 1 + place) AND path.1 > 0
                                                  AND moment <= path.1 + {window:UInt64} AND path.1 != following.1,
                                              (path.1, path.2, true),
                                              step = -1 AND NOT bitTest(mark, place - 1),
                                              (toUInt64(0), emptyArrayInt64(), false),
                                              path
                                          ),
                                          state.1,
                                          arrayPushFront(arrayPopBack(state.1), (moment, emptyArrayInt64(), false)),
                                          arrayPushBack(arrayPopFront(state.1), (toUInt64(0), emptyArrayInt64(), false)),
                                          range(1, 3 + 1)
                                      ),
                                      if((
                                          step > 0
                                          AND NOT (state.2 = 3 AND NOT state.5)
                                          AND (step > state.2 OR (step = state.2 AND NOT arrayPushFront(arrayPopBack(state.1), (moment, emptyArrayInt64(), false))[step].3))
                                          AND arrayMap((path, before, place) -> (
                                              before.1 > 0 AND moment <= before.1 + {window:UInt64} AND NOT has(before.2, event)
                                              AND (before.1 != path.1 OR (place = 1 AND NOT bitTest(mark, 63)))
                                          ), [state.1[step]], [arrayPushFront(arrayPopBack(state.1), (moment, emptyArrayInt64(), false))[step]], [step])[1]
                                      ), toUInt8(step), state.2),
                                      if((
                                          step > 0
                                          AND NOT (state.2 = 3 AND NOT state.5)
                                          AND (step > state.2 OR (step = state.2 AND NOT arrayPushFront(arrayPopBack(state.1), (moment, emptyArrayInt64(), false))[step].3))
                                          AND arrayMap((path, before, place) -> (
                                              before.1 > 0 AND moment <= before.1 + {window:UInt64} AND NOT has(before.2, event)
                                              AND (before.1 != path.1 OR (place = 1 AND NOT bitTest(mark, 63)))
                                          ), [state.1[step]], [arrayPushFront(arrayPopBack(state.1), (moment, emptyArrayInt64(), false))[step]], [step])[1]
                                      ), arrayPushFront(arrayPopBack(state.1), (moment, emptyArrayInt64(), false))[step].1, state.3),
                                      if((
                                          step > 0
                                          AND NOT (state.2 = 3 AND NOT state.5)
                                          AND (step > state.2 OR (step = state.2 AND NOT arrayPushFront(arrayPopBack(state.1), (moment, emptyArrayInt64(), false))[step].3))
                                          AND arrayMap((path, before, place) -> (
                                              before.1 > 0 AND moment <= before.1 + {window:UInt64} AND NOT has(before.2, event)
                                              AND (before.1 != path.1 OR (place = 1 AND NOT bitTest(mark, 63)))
                                          ), [state.1[step]], [arrayPushFront(arrayPopBack(state.1), (moment, emptyArrayInt64(), false))[step]], [step])[1]
                                      ), moment, state.4),
                                      if((
                                          step > 0
                                          AND NOT (state.2 = 3 AND NOT state.5)
                                          AND (step > state.2 OR (step = state.2 AND NOT arrayPushFront(arrayPopBack(state.1), (moment, emptyArrayInt64(), false))[step].3))
                                          AND arrayMap((path, before, place) -> (
                                              before.1 > 0 AND moment <= before.1 + {window:UInt64} AND NOT has(before.2, event)
                                              AND (before.1 != path.1 OR (place = 1 AND NOT bitTest(mark, 63)))
                                          ), [state.1[step]], [arrayPushFront(arrayPopBack(state.1), (moment, emptyArrayInt64(), false))[step]], [step])[1]
                                      ), arrayPushFront(arrayPopBack(state.1), (moment, emptyArrayInt64(), false))[step].3, state.5 OR (
                                          step = 0 AND state.2 > 0 AND bitTest(mark, 3 - 1 + state.2)
                                          AND moment <= state.3 + {window:UInt64}
                                      ))
                                  ),
                                  offers.1, offers.2, offers.3, offers.4,
                                  (
                                      arrayWithConstant(3, (toUInt64(0), emptyArrayInt64(), false)),
                                      toUInt8(0), toUInt64(0), toUInt64(0), false
                                  )
                              ),
                              offers
                          )
                      )[1].1
                  ) AS furthest
              FROM with_entries_3
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
--   around = []
--   window = 1209600000000
--   furthest = [3]
--   rows = 101
--   offset = 0
