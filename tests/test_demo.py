"""The demo data: repeatable, of the promised size, and telling a story that the API's answers can show."""

import hashlib
import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from persons.demo import demo_events
from persons.demo.log import Event
from persons.management.commands.serve import Command

UNTIL = datetime(2025, 11, 3, 9, 30, tzinfo=UTC)
START = UNTIL - timedelta(days=90)
FUNNEL = ("sign up", "onboarding completed", "paid")


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return demo_events(UNTIL)


def moment(event: Event) -> datetime:
    return datetime.fromisoformat(event["timestamp"])


def named(events: list[Event], name: str) -> list[Event]:
    return [event for event in events if event["event"] == name]


def digest(events: list[Event]) -> str:
    return hashlib.sha256(json.dumps(events).encode()).hexdigest()


def owners(events: list[Event]) -> dict[str, str]:
    """Map every distinct id to one id of its person, once identify and alias are applied."""
    parents: dict[str, str] = {}

    def root(distinct_id: str) -> str:
        while parents.setdefault(distinct_id, distinct_id) != distinct_id:
            distinct_id = parents[distinct_id]
        return distinct_id

    for event in events:
        properties = event["properties"]
        into = root(event["distinct_id"])
        if event["event"] == "$identify":
            parents[root(properties["$anon_distinct_id"])] = into
        if event["event"] == "$create_alias":
            parents[root(properties["alias"])] = into
    return {distinct_id: root(distinct_id) for distinct_id in list(parents)}


def funnel(events: list[Event], days: int) -> list[int]:
    """Count the persons who got to each step, in order, within the last days."""
    owner = owners(events)
    reached: Counter[str] = Counter()
    for event in events:
        person = owner[event["distinct_id"]]
        if moment(event) >= UNTIL - timedelta(days=days) and event["event"] in FUNNEL[reached[person] :][:1]:
            reached[person] += 1
    return [sum(steps >= step for steps in reached.values()) for step in (1, 2, 3)]


def test_the_same_arguments_give_the_same_events(events: list[Event]) -> None:
    assert demo_events(UNTIL) == events


def test_another_seed_gives_other_events(events: list[Event]) -> None:
    assert demo_events(UNTIL, persons=50, seed=1) != demo_events(UNTIL, persons=50, seed=2)


def test_the_events_do_not_depend_on_the_hash_seed() -> None:
    script = (
        "import json, sys; from datetime import datetime; from persons.demo import demo_events;"
        f"json.dump(demo_events(datetime.fromisoformat({UNTIL.isoformat()!r}), persons=200), sys.stdout)"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=Path(__file__).parents[1],
            env={"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert {digest(json.loads(output)) for output in outputs} == {digest(demo_events(UNTIL, persons=200))}


def test_until_means_the_same_moment_in_every_time_zone() -> None:
    there = UNTIL.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert demo_events(there, persons=50) == demo_events(UNTIL, persons=50)


def test_until_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        demo_events(UNTIL.replace(tzinfo=None))


def test_the_end_of_the_demo_data_is_read_in_utc() -> None:
    parser = Command().create_parser("manage.py", "serve")
    assert parser.parse_args(["--demo-until", "2025-11-03"]).demo_until == datetime(2025, 11, 3, tzinfo=UTC)


@pytest.mark.parametrize("text", ["yesterday", "0001-01-01", "9999-12-31"])
def test_demo_data_cannot_end_on_what_is_no_day_of_our_time(text: str) -> None:
    with pytest.raises(CommandError, match="--demo-until"):
        Command().create_parser("manage.py", "serve").parse_args(["--demo-until", text])


def test_there_are_about_three_thousand_persons_after_merges(events: list[Event]) -> None:
    assert 2_700 <= len(set(owners(events).values())) <= 3_300


def test_there_are_about_a_hundred_thousand_events(events: list[Event]) -> None:
    assert 90_000 <= len(events) <= 110_000


def test_fewer_persons_and_days_are_honoured() -> None:
    few = demo_events(UNTIL, persons=20, days=5)
    assert 20 <= len(set(owners(few).values())) <= 25
    assert all(UNTIL - timedelta(days=5) <= moment(event) < UNTIL for event in few)
    assert demo_events(UNTIL, persons=0) == []


def test_the_events_are_in_the_order_of_their_timestamps(events: list[Event]) -> None:
    moments = [moment(event) for event in events]
    assert moments == sorted(moments)


def test_every_event_is_inside_the_days_asked_for(events: list[Event]) -> None:
    assert moment(events[0]) >= START
    assert moment(events[-1]) < UNTIL


def test_every_event_is_in_the_wire_format(events: list[Event]) -> None:
    uuid = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    timestamp = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
    for event in events:
        assert list(event) == ["event", "distinct_id", "timestamp", "uuid", "properties"]
        assert uuid.fullmatch(event["uuid"])
        assert timestamp.fullmatch(event["timestamp"])
        assert event["properties"]["$lib"] in {"web", "posthog-python"}
    json.dumps(events, allow_nan=False)


def test_no_two_events_share_a_uuid(events: list[Event]) -> None:
    assert len({event["uuid"] for event in events}) == len(events)


def test_every_sign_up_comes_after_its_identify(events: list[Event]) -> None:
    identified: set[str] = set()
    for event in events:
        if event["event"] == "$identify":
            identified.add(event["distinct_id"])
        assert event["event"] != "sign up" or event["distinct_id"] in identified


def test_a_user_id_speaks_only_once_it_is_identified(events: list[Event]) -> None:
    identified: set[str] = set()
    for event in events:
        if event["event"] == "$identify":
            identified.add(event["distinct_id"])
        assert not event["distinct_id"].startswith("user_") or event["distinct_id"] in identified


def test_an_anonymous_id_falls_silent_once_it_is_identified(events: list[Event]) -> None:
    retired: set[str] = set()
    for event in events:
        assert event["distinct_id"] not in retired
        if event["event"] == "$identify":
            assert event["properties"]["$anon_distinct_id"] not in retired
            retired.add(event["properties"]["$anon_distinct_id"])


def test_nobody_signs_up_twice(events: list[Event]) -> None:
    assert max(Counter(event["distinct_id"] for event in named(events, "sign up")).values()) == 1


def test_the_funnel_of_the_last_month_goes_from_hundreds_to_dozens(events: list[Event]) -> None:
    signed_up, onboarded, paid = funnel(events, days=30)
    assert 300 <= signed_up <= 500
    assert 0.5 * signed_up <= onboarded <= 0.7 * signed_up
    assert 24 <= paid <= 0.2 * signed_up


def test_every_step_of_the_funnel_happens_in_the_last_week(events: list[Event]) -> None:
    signed_up, onboarded, paid = funnel(events, days=7)
    assert signed_up > onboarded > paid > 0


def test_some_persons_are_merged_from_several_devices(events: list[Event]) -> None:
    devices = Counter(event["distinct_id"] for event in named(events, "$identify"))
    assert sum(count > 1 for count in devices.values()) > 50


def test_some_persons_are_joined_with_their_crm_id(events: list[Event]) -> None:
    owner = owners(events)
    aliases = named(events, "$create_alias")
    assert len(aliases) > 10
    for event in aliases:
        assert event["properties"]["alias"].startswith("crm-")
        assert owner[event["properties"]["alias"]] == owner[event["distinct_id"]]


def test_most_visitors_stay_anonymous(events: list[Event]) -> None:
    owner = owners(events)
    everyone = set(owner.values())
    known = {owner[event["distinct_id"]] for event in named(events, "$identify")}
    assert 0.25 * len(everyone) < len(known) < 0.5 * len(everyone)


def test_users_have_unique_addresses_at_reserved_domains(events: list[Event]) -> None:
    addresses: defaultdict[str, set[str]] = defaultdict(set)
    for event in named(events, "$identify"):
        addresses[event["properties"]["$set"]["email"]].add(event["distinct_id"])
    assert all(len(users) == 1 for users in addresses.values())
    assert all(
        re.fullmatch(r"[a-z]+[._]?[a-z]+\d*@example\.(com|net|org)", address) for address in addresses
    ), sorted(addresses)


def test_names_come_in_several_scripts(events: list[Event]) -> None:
    names = " ".join(event["properties"]["$set"]["name"] for event in named(events, "$identify"))
    for letters in ("a-z", "À-ž", "а-яі", "一-龯", "가-힣", "ء-ي"):  # noqa: RUF001 - the scripts are the point
        assert re.search(f"[{letters}]", names), letters


def test_plans_are_set_by_payments_and_properties_unset_by_cancellations(events: list[Event]) -> None:
    assert all(event["properties"]["$set"]["plan"] != "free" for event in named(events, "paid"))
    directions = Counter(event["properties"]["direction"] for event in named(events, "plan changed"))
    assert set(directions) == {"upgrade", "downgrade"}
    assert len(named(events, "plan cancelled")) > 5
    assert all(
        event["properties"]["$unset"] == ["seats", "billing_interval"]
        for event in named(events, "plan cancelled")
    )


def test_weekends_are_quieter_than_working_days(events: list[Event]) -> None:
    days = Counter(moment(event).weekday() for event in events)
    assert max(days[5], days[6]) < 0.7 * min(days[day] for day in range(5))
