SELECT id
FROM person FINAL
WHERE team_id = {project:Int64}
  AND is_deleted = 0
  AND (
      match(substring(person.property_texts.{key:Identifier}.:String, 2), {moment_pattern:String})
      AND parseDateTime64BestEffortOrNull(substring(person.property_texts.{key:Identifier}.:String, 2), 6, {timezone:String}) < {end:DateTime64(6, 'UTC')}
  )
  AND (
      match(substring(person.property_texts.{key_2:Identifier}.:String, 2), {version_pattern:String})
      AND arrayExists(
          key -> (
              key >= {version:Tuple(UInt64, UInt64, UInt64, UInt8, Array(Tuple(UInt8, UInt64, String)))}
              AND key < {version_2:Tuple(UInt64, UInt64, UInt64, UInt8, Array(Tuple(UInt8, UInt64, String)))}
          ),
          arrayMap(
              parts -> (
                  toUInt64OrZero(parts[1]), toUInt64OrZero(parts[2]), toUInt64OrZero(parts[3]), empty(parts[4]),
                  arrayMap(
                      label -> if(match(label, '^(0|[1-9][0-9]*)$'), (0, length(label), label), (1, 0, label)),
                      splitByChar('.', parts[4])
                  )
              ),
              [extractGroups(assumeNotNull(substring(person.property_texts.{key_2:Identifier}.:String, 2)), {version_pattern:String})]
          )
      )
  )
ORDER BY person.created_at DESC, person.key DESC, person.id DESC
LIMIT {rows:UInt64} OFFSET {offset:UInt64}

-- with
--   project = 7
--   key = 'trial_ends'
--   moment_pattern = '^(19|2[0-2])[0-9]{2}-(0?[1-9]|1[0-2])-(0?[1-9]|[12][0-9]|3[01])([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,9})?)?( ?(Z|[-+]([01][0-9]|2[0-3]):?[0-5][0-9]))?)?$|^[0-9]{9,10}(\\.[0-9]{1,9})?$|^[0-9]{13}$'
--   timezone = 'Europe/Berlin'
--   end = '2024-03-14 23:00:00.000000'
--   key_2 = 'app'
--   version_pattern = '^v?((?:0|[1-9][0-9]{0,18}))(?:\\.((?:0|[1-9][0-9]{0,18}))(?:\\.((?:0|[1-9][0-9]{0,18})))?)?(?:-([0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*))?(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?$'
--   version = (1, 2, 3, 1, [(1, 0, '')])
--   version_2 = (2, 0, 0, 0, [(0, 1, '0')])
--   rows = 101
--   offset = 0
