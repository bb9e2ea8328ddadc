SELECT
    arrayJoin(
        if(
            startsWith(text, '=['),
            arrayDistinct(
                arrayMap(
                    element -> if(startsWith(element, '"'), JSONExtractString(element), element),
                    arrayFilter(element -> element != 'null', JSONExtractArrayRaw(substring(text, 2)))
                )
            ),
            [substring(text, 2)]
        )
    ) AS name,
    sum(persons) AS count
FROM
(
    SELECT assumeNotNull(person.property_texts.{key:Identifier}.:String) AS text, count() AS persons
    FROM person FINAL
    WHERE team_id = {project:Int64}
      AND is_deleted = 0
      AND person.property_texts.{key:Identifier}.:String != '"'
    GROUP BY text
)
WHERE name != ''
  AND positionCaseInsensitiveUTF8(name, {part:String}) > 0
GROUP BY name
ORDER BY count DESC, name
LIMIT {rows:UInt64} OFFSET {offset:UInt64}

-- with
--   key = 'plan'
--   project = 7
--   part = 'pro'
--   rows = 21
--   offset = 0
