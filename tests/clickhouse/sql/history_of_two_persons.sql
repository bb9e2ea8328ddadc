SELECT
    transform(distinct_id, {distinct_ids:Array(String)}, {numbers:Array(UInt32)}, 0) AS number,
    kind,
    toUnixTimestamp64Micro(timestamp) AS moment,
    arrival,
    distinct_id,
    distinct_id_version,
    detail,
    event,
    event_uuid
FROM person_property_history
WHERE team_id = {project:Int64}
  AND distinct_id IN {distinct_ids:Array(String)}
ORDER BY number, kind = 'update', timestamp, arrival, event_uuid

-- with
--   distinct_ids = ['ada', 'bob']
--   numbers = [0, 1]
--   project = 7
