SELECT timestamp, arrival, uuid, event, distinct_id, properties, elements_chain
FROM events
WHERE team_id = {project:Int64}
  AND toDate32(timestamp) >= toDate32({date_from:DateTime64(6, 'UTC')})
  AND toDate32(timestamp) <= toDate32({date_to:DateTime64(6, 'UTC')})
  AND timestamp >= {date_from:DateTime64(6, 'UTC')}
  AND timestamp <= {date_to:DateTime64(6, 'UTC')}
  AND uuid IN {uuids:Array(UUID)}

-- with
--   project = 7
--   date_from = '2024-02-29 23:00:00.000000'
--   date_to = '2024-03-15 18:20:00.000000'
--   uuids = [UUID('00000000-0000-0000-0000-000000000002'), UUID('00000000-0000-0000-0000-000000000003')]
