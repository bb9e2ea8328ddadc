"""Every statement of ours means the same on a cluster: events of one person lie on both of its shards."""

import json
import random
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from clickhouse.client import ClickHouse
from clickhouse.schema.migrate import migrate
from clickhouse.sql.fragment import Fragment, sql
from tests.clickhouse.test_golden_sql import MARCH, STATEMENTS
from tests.clickhouse_server import cluster, served

PROJECT, PERSONS, EVENTS = 7, 60, 4_000
NAMES = ("signed up", "paid", "watched", "left", "bought", "$autocapture")
CHANGES = {"removal_of_events", "removal_of_history"}
# Their answers here are not empty.
OF_SOMETHING = {
    *(
        "funnel",
        "funnel_in_strict_order",
        "funnel_in_no_order",
        "funnel_with_an_exclusion",
        "funnel_by_first_touch",
    ),
    *("funnel_with_a_first_time", "correlation", "trends", "trends_of_a_percentile", "stickiness"),
    *("persons_in_a_dynamic_cohort", "persons_in_a_static_cohort", "values_of_a_property", "latest_events"),
    "history_of_two_persons",
}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ClickHouse, ClickHouse]]:
    """One server, and a cluster with the same rows."""
    folder = tmp_path_factory.mktemp("stores")
    with ExitStack() as stack:
        one = stack.enter_context(served(folder / "one"))
        two = stack.enter_context(served(folder / "two", cluster.configured(folder / "two.xml")))
        stores = ClickHouse(one.url), ClickHouse(two.url, cluster=cluster.NAME)
        lines = {
            table: b"\n".join(json.dumps(row).encode() for row in rows) for table, rows in world().items()
        }
        for store in stores:
            migrate(store)
            for table, rows in lines.items():
                store.insert_json(table, rows, token=table)
        yield stores


def world() -> dict[str, list[dict[str, Any]]]:
    """Persons with three distinct ids each, of which the second and third were merged into the first's."""
    names = ["ann", "bob", "ada", "anon", *(f"u{number}" for number in range(PERSONS * 3 - 4))]
    ids = [{"team_id": PROJECT, "distinct_id": name, "version": 1, "is_deleted": 0} for name in names]
    owned = [each | {"person_id": str(UUID(int=1 + place % PERSONS))} for place, each in enumerate(ids)]
    chance = random.Random(7)
    return {
        "person": [person(number) for number in range(PERSONS)],
        "person_distinct_id2": owned,
        "person_distinct_id_overrides": owned[PERSONS:],
        "static_cohort_member": [each | {"cohort_id": 3} for each in ids[::7]],
        "events": [event(number, names, chance) for number in range(EVENTS)],
    }


def person(number: int) -> dict[str, Any]:
    return {
        "team_id": PROJECT,
        "id": str(UUID(int=1 + number)),
        "key": number,
        "version": 1,
        "is_deleted": 0,
        "created_at": f"2024-01-01 00:00:{number}",
        "properties": json.dumps(
            {
                "email": f"{number}@example.{['com', 'org'][number % 2]}",
                "plan": ["pro", "free"][number % 3 % 2],
            }
        ),
    }


def event(number: int, names: list[str], chance: random.Random) -> dict[str, Any]:
    place = chance.randrange(len(names))
    # Of some persons nothing is known from before.
    days = chance.randrange(31) + (0 if place % PERSONS % 3 else 30)
    time = MARCH.date_from - timedelta(days=30 - days, seconds=-chance.randrange(86_400))
    return {
        "team_id": PROJECT,
        "event": chance.choice(NAMES),
        "distinct_id": names[place],
        "arrival": number,
        # As it arrived: what was merged later had a person of its own.
        "person_id": str(UUID(int=1 + place if place < PERSONS else 1000 + place)),
        "uuid": str(UUID(int=number)),
        "timestamp": time.strftime("%Y-%m-%d %H:%M:%S"),
        "properties": json.dumps(
            {
                "$browser": chance.choice(["Chrome", "Safari"]),
                "amount": chance.randrange(100),
                "seats": chance.randrange(10),
                "$set": {"plan": "pro"},
            }
        ),
    }


def test_events_of_one_person_lie_on_both_shards(both: tuple[ClickHouse, ClickHouse]) -> None:
    shards = dict(both[1].rows(Fragment("SELECT shardNum() AS shard, count() FROM events GROUP BY shard")))
    assert sum(shards.values()) == EVENTS
    assert min(shards.values()) > 1000


@pytest.mark.parametrize("name", sorted(STATEMENTS.keys() - CHANGES))
def test_a_statement_has_the_same_answer_on_a_cluster(both: tuple[ClickHouse, ClickHouse], name: str) -> None:
    one, two = (store.rows(STATEMENTS[name]()) for store in both)
    assert two == one
    assert one or name not in OF_SOMETHING


def test_the_history_that_views_make_of_events_is_the_same(both: tuple[ClickHouse, ClickHouse]) -> None:
    history = sql(
        "SELECT distinct_id, event_uuid, detail FROM person_property_history WHERE team_id = {project:Int64} "
        "ORDER BY ALL",
        project=PROJECT,
    )
    one, two = (store.rows(history) for store in both)
    assert len(one) == EVENTS
    assert two == one
