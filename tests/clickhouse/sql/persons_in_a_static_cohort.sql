SELECT id
FROM person FINAL
WHERE team_id = {project:Int64}
  AND is_deleted = 0
  AND person.id IN
  (
      SELECT person_id
      FROM person_distinct_id2 FINAL
      WHERE team_id = {project:Int64}
        AND is_deleted = 0
        AND distinct_id IN
        (
            SELECT distinct_id
            FROM static_cohort_member FINAL
            WHERE team_id = {project:Int64} AND cohort_id = {cohort:Int64} AND is_deleted = 0
        )
  )
ORDER BY person.created_at DESC, person.key DESC, person.id DESC
LIMIT {rows:UInt64} OFFSET {offset:UInt64}

-- with
--   project = 7
--   cohort = 3
--   rows = 101
--   offset = 0
