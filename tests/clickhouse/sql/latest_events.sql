SELECT timestamp, event, distinct_id, uuid, properties
FROM events
WHERE team_id = {project:Int64}
  AND distinct_id_hash IN
  (
      SELECT cityHash64(if(generation = 0, id, concat(id, '\0', toString(generation))))
      FROM (SELECT {ids:Array(String)} AS id, {generations:Array(UInt32)} AS generation)
      ARRAY JOIN id, generation
  )
  AND distinct_id IN {ids:Array(String)}
ORDER BY timestamp DESC, arrival DESC
LIMIT {most:UInt32}

-- with
--   project = 7
--   ids = ['ann', 'bob']
--   generations = [0, 2]
--   most = 50
