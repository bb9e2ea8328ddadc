SELECT id
FROM person FINAL
WHERE team_id = {project:Int64}
  AND is_deleted = 0
  AND NOT ifNull(positionCaseInsensitiveUTF8(substring(person.property_texts.{key:Identifier}.:String, 2), {part:String}) > 0, false)
  AND person.id IN
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
                AND events.event IN {events:Array(String)}
                AND substring(events.property_texts.{key_2:Identifier}.:String, 2) IN {texts:Array(String)}
              GROUP BY actor_id
              HAVING bitAnd(groupBitOr(mark), 3) = 3
          ),
          with_marks AS
          (
              SELECT
                  actor_id,
                  arrayPushFront(arrayMap(event -> toUInt64(bitShiftRight(event, 2)), history), 0) AS moments,
                  arrayPushFront(arrayMap(event -> toUInt64(bitAnd(event, 3)), history), 0) AS marks
              FROM grouped
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
          )
      SELECT actor_id FROM as_far_as_asked
  )
ORDER BY UUIDToNum(person.id)
LIMIT {rows:UInt64} OFFSET {offset:UInt64}

-- with
--   project = 7
--   key = 'email'
--   part = '@example.com'
--   before = 1709247599999999
--   event = 'signed up'
--   event_2 = 'paid'
--   date_from = '2024-02-29 23:00:00.000000'
--   date_to = '2024-03-31 21:59:59.999999'
--   events = ['paid', 'signed up']
--   key_2 = '%24browser'
--   texts = ['Chrome', 'Safari']
--   window = 1209600000000
--   furthest = [2]
--   rows = 101
--   offset = 0
