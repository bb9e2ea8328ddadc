SELECT distinct_id, 1 AS count
FROM person_distinct_id2 FINAL
WHERE team_id = {project:Int64}
  AND is_deleted = 0
ORDER BY distinct_id
LIMIT {rows:UInt64} OFFSET {offset:UInt64}

-- with
--   project = 7
--   rows = 21
--   offset = 0
