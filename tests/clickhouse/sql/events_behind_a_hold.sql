SELECT distinct_id, count(), min(timestamp), max(timestamp)
FROM events
WHERE team_id = {project:Int64}
  AND distinct_id_hash IN
  (
      SELECT cityHash64(if(generation = 0, id, concat(id, '\0', toString(generation))))
      FROM (SELECT {ids:Array(String)} AS id, {generations:Array(UInt32)} AS generation)
      ARRAY JOIN id, generation
  )
  AND distinct_id IN {ids:Array(String)}
GROUP BY distinct_id

-- with
--   project = 7
--   ids = ['ann']
--   generations = [2]
