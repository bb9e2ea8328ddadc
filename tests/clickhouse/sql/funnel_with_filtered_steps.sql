SELECT actor_id
FROM
(
    SELECT
        ifNull(merged.person_id, events.person_id) AS actor_id,
        windowFunnel({window:UInt64})(
            toUInt64(toUnixTimestamp64Micro(timestamp) + 10000000000000000),
            ifNull((
                events.event = {event:String}
                AND (
                    toFloat64OrNull(substring(events.property_texts.{key:Identifier}.:String, 2)) > {bound:Float64}
                    AND isFinite(toFloat64OrNull(substring(events.property_texts.{key:Identifier}.:String, 2)))
                )
            ), false),
            ifNull((
                events.event = {event_2:String}
                AND (
                    substring(events.property_texts.{key_2:Identifier}.:String, 2) IN {texts:Array(String)}
                    OR ifNull(merged.person_id, events.person_id) IN
                    (
                        SELECT id
                        FROM person FINAL
                        WHERE team_id = {project:Int64}
                          AND is_deleted = 0
                          AND NOT ifNull(positionCaseInsensitiveUTF8(substring(person.property_texts.{key_2_2:Identifier}.:String, 2), {part:String}) > 0, false)
                    )
                )
            ), false)
        ) AS furthest
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
      AND (
          (
              events.event = {event:String}
              AND (
                  toFloat64OrNull(substring(events.property_texts.{key:Identifier}.:String, 2)) > {bound:Float64}
                  AND isFinite(toFloat64OrNull(substring(events.property_texts.{key:Identifier}.:String, 2)))
              )
          )
          OR (
              events.event = {event_2:String}
              AND (
                  substring(events.property_texts.{key_2:Identifier}.:String, 2) IN {texts:Array(String)}
                  OR ifNull(merged.person_id, events.person_id) IN
                  (
                      SELECT id
                      FROM person FINAL
                      WHERE team_id = {project:Int64}
                        AND is_deleted = 0
                        AND NOT ifNull(positionCaseInsensitiveUTF8(substring(person.property_texts.{key_2_2:Identifier}.:String, 2), {part:String}) > 0, false)
                  )
              )
          )
      )
    GROUP BY actor_id
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
--   event = 'signed up'
--   key = 'seats'
--   bound = 5.0
--   event_2 = 'paid'
--   key_2 = '%24browser'
--   texts = ['Chrome', 'Safari']
--   project = 7
--   key_2_2 = 'email'
--   part = '@example.com'
--   date_from = '2024-02-29 23:00:00.000000'
--   date_to = '2024-03-31 21:59:59.999999'
--   events = ['paid', 'signed up']
--   furthest = [2]
--   rows = 101
--   offset = 0
