SELECT
    {number:UInt32} AS number,
    kind,
    toUnixTimestamp64Micro(timestamp) AS moment,
    arrival,
    distinct_id,
    distinct_id_version,
    detail
FROM person_property_history
WHERE team_id = {project:Int64}
  AND distinct_id IN {distinct_ids:Array(String)}
  AND (timestamp <= {until:DateTime64(6, 'UTC')} OR kind != 'update')
ORDER BY number, kind = 'update', timestamp, arrival, event_uuid

-- with
--   number = 0
--   project = 7
--   distinct_ids = ['ada', 'anon']
--   until = '2024-03-15 18:20:00.000000'
