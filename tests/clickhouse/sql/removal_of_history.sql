DELETE FROM person_property_history WHERE team_id = {project:Int64}
  AND distinct_id IN {ids:Array(String)}
  AND (
      arrival < transform(distinct_id, {ids:Array(String)}, {arrivals:Array(UInt64)}, 0)
      OR distinct_id_version <= transform(distinct_id, {ids:Array(String)}, {versions:Array(Int64)}, -1)
  )
  AND kind != 'deletion'

-- with
--   project = 7
--   ids = ['ann', 'bob']
--   arrivals = [4711, 4712]
--   versions = [1, 203]
