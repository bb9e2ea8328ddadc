SELECT id
FROM person FINAL
WHERE team_id = {project:Int64}
  AND is_deleted = 0
  AND (
      positionCaseInsensitiveUTF8(substring(person.property_texts.{key:Identifier}.:String, 2), {part:String}) > 0
      OR positionCaseInsensitiveUTF8(substring(person.property_texts.{key_2:Identifier}.:String, 2), {part:String}) > 0
      OR person.id IN
      (
          SELECT person_id
          FROM person_distinct_id2 FINAL
          WHERE team_id = {project:Int64}
            AND is_deleted = 0
            AND positionCaseInsensitiveUTF8(distinct_id, {part:String}) > 0
      )
  )
ORDER BY person.created_at DESC, person.key DESC, person.id DESC
LIMIT {rows:UInt64} OFFSET {offset:UInt64}

-- with
--   project = 7
--   key = 'email'
--   part = 'ada'
--   key_2 = 'name'
--   rows = 101
--   offset = 0
