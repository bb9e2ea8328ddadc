"""A store full of made-up events for the benchmarks, the same on every run.

    EVENTS=20000000 python -m benchmarks.data

fills .bench/20000000 unless it is there already. One person per 50 events; one person in twenty has been
merged out of two, so a half of its events still carries the id of the person that is no more; one person
in a hundred has been deleted; one in ten is personless. The rest of a day's events is noise that no
funnel asks for. Properties are 275 bytes, as long as those of a small website.
"""

import os
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tqdm import tqdm

from clickhouse.client import ClickHouse
from clickhouse.query.dates import DateRange
from clickhouse.schema.migrate import migrate
from clickhouse.sql.fragment import Fragment, sql

PROJECT = 1
MONTHS_OF_EVENTS = DateRange(
    date_from=datetime(2024, 1, 1, tzinfo=UTC),
    date_to=datetime(2024, 3, 30, 23, 59, 59, 999999, tzinfo=UTC),
    timezone="UTC",
)
_MICROSECONDS = 90 * 24 * 60 * 60 * 1_000_000
_ROWS_PER_INSERT = 1_000_000

# A person's number is a hash of the event's number; ids are made of the person's number, so that every
# table can be made without looking at another.
_DISTINCT_ID = "lower(hex(sipHash128('distinct id', person, device)))"
_PERSON_ID = "reinterpretAsUUID(sipHash128('person', person, device))"

_EVENTS = """
INSERT INTO events
    (team_id, event, timestamp, uuid, distinct_id, person_id, properties, elements_chain, created_at, arrival)
SELECT
    {project:Int64} AS team_id,
    multiIf(
        dice < 370, '$pageview',
        dice < 620, '$autocapture',
        dice < 790, '$pageleave',
        dice < 910, '$identify',
        dice < 960, 'pricing viewed',
        dice < 990, 'signed up',
        'paid'
    ) AS event,
    toDateTime64('2024-01-01 00:00:00', 6, 'UTC')
        + toIntervalMicrosecond(number * {microseconds_between:UInt64}) AS timestamp,
    generateUUIDv4(number) AS uuid,
    {distinct_id} AS distinct_id,
    {person_id} AS person_id,
    concat(
        '{"$browser":"', ['Chrome', 'Safari', 'Firefox'][1 + dice % 3],
        '","$os":"', ['Mac OS X', 'Windows', 'Android', 'iOS'][1 + dice % 4],
        '","$current_url":"https://shop.example.com/products/', toString(sipHash64(number, 'url') % 5000),
        '","$session_id":"', lower(hex(sipHash128('session', person, intDiv(number, 1000000)))),
        '","$screen_width":', toString(1024 + dice), ',"price":', toString(dice / 8),
        ',"padding":"', repeat('x', 50), '"}'
    ) AS properties,
    '' AS elements_chain,
    timestamp AS created_at,
    number + 1 AS arrival
FROM
(
    SELECT
        number,
        sipHash64(number, 'person') % {persons:UInt64} AS person,
        sipHash64(number, 'dice') % 1000 AS dice,
        -- Merged persons used a second device half of the time.
        toUInt8(person % 20 = 0 AND sipHash64(number, 'device') % 2 = 0) AS device
    FROM numbers({first:UInt64}, {rows:UInt64})
)
"""

_PERSONS = """
INSERT INTO person (team_id, id, created_at, properties, is_identified, is_deleted, version, key)
SELECT {project:Int64}, {person_id}, toDateTime64('2024-01-01 00:00:00', 6, 'UTC'),
       concat(
           '{"email":"somebody-', toString(person), '@example.com","plan":"',
           ['free', 'starter', 'business'][1 + person % 3], '","visits":', toString(person % 50), '}'
       ),
       1, device = 1 OR person % 100 = 7, 1, person
FROM (SELECT number AS person, arrayJoin([0, 1]) AS device FROM numbers({persons:UInt64}))
WHERE person % 10 != 3 AND (device = 0 OR person % 20 = 0)
"""

_OVERRIDES = """
INSERT INTO person_distinct_id_overrides (team_id, distinct_id, person_id, is_deleted, version)
SELECT {project:Int64}, {old_distinct_id}, {person_id}, 0, 1
FROM (SELECT number AS person, 0 AS device FROM numbers({persons:UInt64}) WHERE number % 20 = 0)
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows of each kind a store holds."""

    events: int

    @property
    def persons(self) -> int:
        return max(self.events // 50, 1)

    @property
    def folder(self) -> Path:
        return Path(__file__).parent.parent / ".bench" / str(self.events)


def size_asked_for(default: int = 2_000_000) -> Size:
    """EVENTS from the environment."""
    return Size(int(os.environ.get("EVENTS", default)))


def filled_store(size: Size) -> ClickHouse:
    """The store of that size, filled first when it is not there or was left half full."""
    size.folder.mkdir(parents=True, exist_ok=True)
    store = ClickHouse(f"chdb://{size.folder}")
    migrate(store)
    if store.rows(Fragment("SELECT count() FROM events")) != [(size.events,)]:
        _fill(store, size)
    return store


def _fill(store: ClickHouse, size: Size) -> None:
    for table in ("events", "person", "person_distinct_id_overrides"):
        store.command(Fragment(f"TRUNCATE TABLE {table}"))
    ids = {"distinct_id": Fragment(_DISTINCT_ID), "person_id": Fragment(_PERSON_ID)}
    old_distinct_id = Fragment(_DISTINCT_ID.replace("device", "toUInt8(1)"))
    for first in tqdm(range(0, size.events, _ROWS_PER_INSERT), unit="M events", disable=None):
        store.command(
            sql(
                _EVENTS,
                project=PROJECT,
                microseconds_between=_MICROSECONDS // size.events,
                persons=size.persons,
                first=first,
                rows=min(_ROWS_PER_INSERT, size.events - first),
                **ids,
            )
        )
    store.command(sql(_PERSONS, project=PROJECT, persons=size.persons, **ids))
    store.command(
        sql(_OVERRIDES, project=PROJECT, persons=size.persons, old_distinct_id=old_distinct_id, **ids)
    )


def main() -> None:
    """Fill the store and say how long it took."""
    size = size_asked_for()
    started = time.perf_counter()
    filled_store(size).close()
    sys.stdout.write(f"{size.folder}: {size.events:,} events in {time.perf_counter() - started:.0f} s\n")


if __name__ == "__main__":
    main()
